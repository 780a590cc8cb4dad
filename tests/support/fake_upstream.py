"""Parts of the proxy without a server around them."""

from __future__ import annotations

import asyncio

import proxy_plugins

from cogtrace.server.engine import UpstreamEngine
from cogtrace.server.metrics import Metrics
from cogtrace.server.plans import Plans
from cogtrace.server.settings import ProxySettings
from cogtrace.server.upstream import Upstream
from cogtrace.server.wishes import Wish


def plans_in_use(count: int) -> int:
    """Ask for so many different plans; return how many are kept."""

    async def ask() -> int:
        settings = ProxySettings(upstream="http://127.0.0.1:1/v1")
        engine = UpstreamEngine(Upstream(settings, Metrics()))
        plans = Plans(settings, engine, proxy_plugins.found())
        await plans.open()
        for number in range(count):
            wish = Wish("tiny", False, (("filed", {"k": number + 1}),), source="cogtrace")
            async with plans.of(wish) as guidance:
                assert guidance is not None
        kept = len(plans)
        await plans.close()
        return kept

    return asyncio.run(ask())
