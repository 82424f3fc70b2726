"""Asks the API server whose token it is: `telemetry.ports.TokenVerifier` over TokenReviews."""

import msgspec

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.answers import Denied
from scheduler.kube.client import KubeClient
from telemetry.ports import Identity, TokenRefused, VerifierUnavailable

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
NODE_NAME = "authentication.kubernetes.io/node-name"
"""Where the API server says which node the pod of a token runs on; since Kubernetes 1.30
(https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/)."""

ANSWER_TIMEOUT_S = 10.0


class _User(msgspec.Struct):
    username: str = ""
    extra: dict[str, list[str]] = {}


class _Verdict(msgspec.Struct):
    authenticated: bool = False
    user: _User = msgspec.field(default_factory=_User)
    audiences: list[str] | None = None
    error: str = ""


class _Review(msgspec.Struct):
    status: _Verdict = msgspec.field(default_factory=_Verdict)


class TokenReviewer:
    """Reviews tokens that were made for one audience.

    Parameters
    ----------
    client
        Connected; its account needs the right to create TokenReviews.
    audience
        For whom the tokens must be. One that a pod has for the API server itself is not for us: who
        hears it could act as the pod.
    """

    def __init__(self, client: KubeClient, audience: str) -> None:
        self._client, self._audience = client, audience

    async def verify(self, token: str) -> Identity:
        """Return who a token belongs to.

        Raises
        ------
        TokenRefused
            If it is not valid, or not for our audience.
        VerifierUnavailable
            If the API server does not answer, or does not let us ask.
        """
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [self._audience]},
        }
        try:
            body = await self._client.send("POST", PATH, asked, answer_timeout_s=ANSWER_TIMEOUT_S)
            verdict = msgspec.json.decode(body, type=_Review).status
        except (ClusterUnavailable, Denied) as error:
            raise VerifierUnavailable(str(error)) from None
        except (msgspec.MsgspecError, UnicodeError) as error:
            where = f"{self._client.server}{PATH}"
            raise VerifierUnavailable(f"{where}: cannot be asked, or read ({error})") from None
        return self._judged(verdict)

    def _judged(self, verdict: _Verdict) -> Identity:
        if not verdict.authenticated:
            raise TokenRefused(verdict.error or "it is not valid")
        # A server that knows of no audiences says so by naming none: then it is not for us.
        if self._audience not in (verdict.audiences or ()):
            raise TokenRefused(f"it is not for the audience {self._audience}")
        named = verdict.user.extra.get(NODE_NAME, [])
        return Identity(verdict.user.username, named[0] if len(named) == 1 else "")
