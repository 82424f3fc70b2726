"""A log that nobody reads any more ends nothing."""

import os

from scheduler.service.logs import new_logger


def test_a_log_whose_reader_is_gone_is_written_into_the_void() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as stream:
        log = new_logger("json", stream)
        log.info("run.stopping", pods=3)
        log.warning("and.again")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # so that closing it may flush
