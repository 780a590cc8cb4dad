"""schemathesis makes requests from the proxy's own OpenAPI page and looks at the answers.

It is no dependency of ours; where the program `schemathesis` is not found, or named by
COGTRACE_DEV_SCHEMATHESIS, the test is skipped: pip install schemathesis.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from proxied import proxied

pytestmark = pytest.mark.slow
PROGRAM = os.environ.get("COGTRACE_DEV_SCHEMATHESIS") or shutil.which("schemathesis")
# Not those by which a server refuses whatever its page does not allow: most of a request is
# for the upstream to judge.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,unsupported_method"
)


@pytest.mark.skipif(PROGRAM is None, reason="schemathesis is not installed")
@pytest.mark.parametrize("with_", [(), ("frame",), ("say", "vote")])
def test_whatever_is_asked_is_answered_as_the_page_says(with_: tuple[str, ...]) -> None:
    with proxied(*with_) as proxy:
        page = f"{proxy.url.removesuffix('/v1')}/openapi.json"
        options = ["--max-examples", "50", "--no-color", "--checks", CHECKS]
        done = subprocess.run(
            [str(PROGRAM), "run", page, *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-8_000:]
        assert proxy.chat().status_code == 200
