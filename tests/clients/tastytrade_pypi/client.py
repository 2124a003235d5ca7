"""The PyPI client `tastytrade` against our simulated venue.

    pip install -r requirements.txt
    python client.py http://127.0.0.1:PORT [CLIENT_SECRET REFRESH_TOKEN]

The secrets default to those of the simulator. Passes when a session is made by OAuth2, the lists and metrics parse into
the client's own strict models, a wrong secret is refused, and quotes and a candle history arrive over dxLink.
Prints `ok equities=N expirations=N metrics=N quotes=N candles=N`; exit code 0 or 1.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import tastytrade.session
from tastytrade import DXLinkStreamer, Session
from tastytrade.dxfeed import Candle, Quote
from tastytrade.instruments import Equity, NestedOptionChain
from tastytrade.metrics import get_market_metrics
from tastytrade.utils import TastytradeError

DEADLINE_SECONDS = 20
CANDLES_WANTED = 400
SYMBOLS = ["SPY", "AAPL"]


def check(holds: bool, what: str) -> None:
    """Fails with a sentence, also under `python -O`."""
    if not holds:
        raise AssertionError(what)


async def check_refusal(refresh_token: str) -> None:
    """A wrong client secret must not give a session."""
    async with Session("no-such-secret", refresh_token) as session:
        try:
            await session.refresh(force=True)
        except TastytradeError:
            return
    raise AssertionError("a wrong client secret is accepted")


async def check_rest(session: Session) -> dict[str, int]:
    """Lists, chains and metrics."""
    await session.refresh(force=True)
    first_page = await Equity.get_active_equities(session, per_page=50)
    check(0 < len(first_page) <= 50, f"the first page has {len(first_page)} equities")
    equities = await Equity.get_active_equities(session, per_page=100, page_offset=None)
    names = {equity.symbol for equity in equities}
    check(len(names) == len(equities), "pages repeat symbols")
    check(names.issuperset(SYMBOLS), f"{SYMBOLS} are not all active")
    spy = next(equity for equity in equities if equity.symbol == "SPY")
    check(spy.active and spy.is_etf, "SPY is no active ETF")

    chains = await NestedOptionChain.get(session, "SPY")
    expirations = [expiration for chain in chains for expiration in chain.expirations]
    check(bool(expirations) and all(expiration.strikes for expiration in expirations), "the chain of SPY has gaps")
    for expiration in expirations:
        strikes = [strike.strike_price for strike in expiration.strikes]
        check(strikes == sorted(set(strikes)), f"strikes of {expiration.expiration_date} are not ascending")
        check(all(strike.call_streamer_symbol.startswith(".SPY") for strike in expiration.strikes), "streamer symbols")

    metrics = await get_market_metrics(session, SYMBOLS)
    check({metric.symbol for metric in metrics} == set(SYMBOLS), "metrics of other symbols than asked for")
    return {"equities": len(equities), "expirations": len(expirations), "metrics": len(metrics)}


async def check_stream(session: Session) -> dict[str, int]:
    """Quotes and a candle history."""
    quotes = 0
    candles: dict[int, Candle] = {}
    async with DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, SYMBOLS)
        while quotes < 5:
            quote = await streamer.get_event(Quote)
            check(quote.event_symbol in SYMBOLS, f"a quote of {quote.event_symbol}")
            check(0 < quote.bid_price < quote.ask_price, f"{quote.bid_price} to {quote.ask_price}")
            quotes += 1

        start = datetime.now(UTC) - timedelta(days=900)
        await streamer.subscribe_candle(["AAPL"], "1d", start)
        # Arrival order is newest first; the oldest row comes last.
        while len(candles) <= CANDLES_WANTED:
            candle = await streamer.get_event(Candle)
            check(candle.event_symbol.startswith("AAPL{=") and candle.low <= candle.high, f"a candle {candle}")
            candles[candle.time] = candle
    return {"quotes": quotes, "candles": len(candles)}


async def run(client_secret: str, refresh_token: str) -> dict[str, int]:
    """All checks, within the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await check_refusal(refresh_token)
        async with Session(client_secret, refresh_token) as session:
            counts = await check_rest(session)
            return counts | await check_stream(session)


def main() -> int:
    """Runs against the address of the command line."""
    if len(sys.argv) not in (2, 4):
        print(__doc__, file=sys.stderr)
        return 1
    # The client has its address as a constant of this module, and no parameter for it.
    tastytrade.session.API_URL = sys.argv[1].rstrip("/")
    client_secret, refresh_token = sys.argv[2:] or ("sim-secret", "sim-refresh")
    try:
        counts = asyncio.run(run(client_secret, refresh_token))
    except* Exception as failures:
        for failure in leaves(failures):
            print(f"failed: {type(failure).__name__}: {failure}", file=sys.stderr)
        return_code = 1
    else:
        print("ok", *(f"{name}={count}" for name, count in counts.items()))
        return_code = 0
    return return_code


def leaves(failure: BaseException) -> list[BaseException]:
    """The single exceptions of a group."""
    if isinstance(failure, BaseExceptionGroup):
        return [leaf for inner in failure.exceptions for leaf in leaves(inner)]
    return [failure]


if __name__ == "__main__":
    sys.exit(main())
