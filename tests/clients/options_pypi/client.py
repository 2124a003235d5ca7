"""Option maths beside the PyPI packages `vollib`, which stands on Jäckel's LetsBeRational, and `QuantLib`.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Random options of a fixed seed, extreme ones among them. Prints `ok` and the numbers of what was compared; the first
difference is an exception.
"""

import math
import random
import sys
from datetime import date, timedelta

import numpy as np
import psycopg
import QuantLib as ql
from vollib.black import black
from vollib.black.greeks import analytical as of_futures
from vollib.black.implied_volatility import implied_volatility as implied_of_future
from vollib.black_scholes_merton import black_scholes_merton
from vollib.black_scholes_merton.greeks import analytical as of_shares
from vollib.black_scholes_merton.implied_volatility import implied_volatility as implied_of_share

EPSILON = sys.float_info.epsilon
GREEKS = ("delta", "gamma", "vega", "theta", "rho")
TODAY = ql.Date(2, 1, 2026)


def options(count, seed, extreme):
    """Random options: kind, spot, strike, days, rate, volatility, dividend yield."""
    chance = random.Random(seed)
    for _ in range(count):
        kind, strike = chance.choice(("call", "put")), chance.choice((100.0, 37.5, 4325.0))
        if extreme:
            spot = strike * math.exp(chance.uniform(-1.5, 1.5))
            days, volatility = chance.choice((1, 7, chance.randint(1, 3650))), 10 ** chance.uniform(-1.4, 0.3)
            rate, dividend_yield = chance.choice((0.0, chance.uniform(-0.03, 0.25))), chance.choice((0.0, chance.uniform(-0.03, 0.25)))
        else:
            spot = strike * chance.uniform(0.7, 1.4)
            days, volatility = chance.randint(2, 1100), chance.uniform(0.05, 1.2)
            rate = chance.uniform(0.0005, 0.12)
            dividend_yield = chance.choice((0.0, rate, chance.uniform(0.0, 0.12)))
        yield kind, spot, strike, days, rate, volatility, dividend_yield


def ask(connection, expression, rows):
    """What an SQL expression over the columns k, a, b, ... gives for each row."""
    columns = list(zip(*rows))
    names = "kabcdefg"[: len(columns)]
    arrays = ", ".join("%s::text[]" if isinstance(column[0], str) else "%s::float8[]" for column in columns)
    statement = f"SELECT {expression} FROM unnest({arrays}) WITH ORDINALITY AS t({', '.join(names)}, n) ORDER BY n"
    return [row if len(row) > 1 else row[0] for row in connection.execute(statement, [list(column) for column in columns]).fetchall()]


def near(what, found, wanted, tolerance, relative=True):
    """Fails unless two numbers agree."""
    scale = max(abs(wanted), 1e-290) if relative else 1.0
    if found is None or not abs(found - wanted) <= tolerance * scale:
        raise AssertionError(f"{what}: {found!r}, wanted {wanted!r}")


def european(connection):
    """Black-Scholes-Merton and Black-76 against vollib."""
    chosen = [*options(1500, 1, False), *options(1500, 2, True)]
    rows = [(kind, spot, strike, days / 365, rate, volatility, dividend) for kind, spot, strike, days, rate, volatility, dividend in chosen]
    fields = lambda call: ", ".join(f"({call}).{field}" for field in GREEKS)
    share, future = "k, a, b, c, d, e, f", "k, a, b, c, d, e"
    shares = ask(connection, f"bsm_price({share}), {fields(f'bsm_greeks({share})')}", rows)
    futures = ask(connection, f"black76_price({future}), {fields(f'black76_greeks({future})')}", rows)
    to_invert, compared = [], 0
    for row, of_share, of_future in zip(rows, shares, futures):
        kind, spot, strike, years, rate, volatility, dividend = row
        flag, deviation = kind[0], volatility * math.sqrt(years)
        for found, forward, library, terms, price in (
            (of_share, spot * math.exp((rate - dividend) * years), of_shares, (flag, spot, strike, years, rate, volatility, dividend), black_scholes_merton),
            (of_future, spot, of_futures, (flag, spot, strike, years, rate, volatility), black),
        ):
            wanted = price(*terms)
            d1 = math.log(forward / strike) / deviation + deviation / 2
            # Far out in the tails a last digit of d1 is several of the price.
            tolerance = 1e-12 * max(1.0, d1 * d1 / 200)
            if abs(wanted) > 1e-250:
                near(f"price {terms}", found[0], wanted, tolerance)
            # Theta and rho are sums; they agree to the last digits of their largest part.
            scale = (spot + strike) / 365 * (abs(rate) + abs(dividend) + volatility / math.sqrt(years)) + 1e-280
            for name, value in zip(GREEKS, found[1:]):
                wanted = float(getattr(library, name)(*terms))
                if name == "theta":
                    near(f"theta {terms}", value, wanted, 1e-12 * scale, relative=False)
                elif abs(wanted) > 1e-250:
                    near(f"{name} {terms}", value, wanted, tolerance)
                compared += 1
        vega = float(of_shares.vega(flag, spot, strike, years, rate, volatility, dividend)) * 100
        worth = black_scholes_merton(flag, spot, strike, years, rate, volatility, dividend)
        # How much of the volatility a last digit of the price, or of the forward, is.
        blur = EPSILON * max(worth, spot * math.exp(-dividend * years), 1e-300) / max(vega * volatility, 1e-300)
        if worth > 1e-200 and blur < 1e-4:
            to_invert.append((row, worth, blur))
    found = ask(connection, "bsm_implied_vol(k, g, a, b, c, d, f)", [(*row, worth) for row, worth, _ in to_invert])
    for (row, worth, blur), value in zip(to_invert, found):
        kind, spot, strike, years, rate, volatility, dividend = row
        wanted = implied_of_share(worth, spot, strike, years, rate, dividend, kind[0])
        near(f"implied volatility {row}", value, wanted, max(1e-12, 16 * blur))
    usual = rows[:500]
    worth = [black(kind[0], spot, strike, years, rate, volatility) for kind, spot, strike, years, rate, volatility, _ in usual]
    found = ask(connection, "black76_implied_vol(k, g, a, b, c, d)", [(*row, price) for row, price in zip(usual, worth)])
    for row, price, value in zip(usual, worth, found):
        kind, forward, strike, years, rate, volatility, _ = row
        blur = EPSILON * forward / (float(of_futures.vega(kind[0], forward, strike, years, rate, volatility)) * 100 * volatility + 1e-300)
        if price > 1e-200 and blur < 1e-4:
            near(f"implied volatility {row}", value, implied_of_future(price, forward, strike, rate, years, kind[0]), max(1e-12, 16 * blur))
    return compared + len(to_invert) + len(usual)


def higher_order(connection):
    """Sensitivities of sensitivities against slopes of vollib's."""
    rows = [(kind, 100.0 * spot / strike, 100.0, days / 365 + 0.1, rate, volatility + 0.1, dividend) for kind, spot, strike, days, rate, volatility, dividend in options(100, 3, False)]
    names = ("vanna", "vomma", "charm", "speed", "zomma", "color")
    found = ask(connection, ", ".join(f"bsm_{name}(k, a, b, c, d, e, f)" for name in names), rows)

    def slope(name, terms, place, step):
        def at(steps):
            moved = list(terms)
            moved[place] += steps * step
            return float(getattr(of_shares, name)(*moved))

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / 12

    for row, values in zip(rows, found):
        terms = (row[0][0], *row[1:])
        wanted = (
            (slope("delta", terms, 5, 1e-3) * 10, 1e-4),
            (slope("vega", terms, 5, 1e-3) * 10, 1e-3),
            (-slope("delta", terms, 3, 1e-3) * 1000 / 365, 1e-5),
            (slope("gamma", terms, 1, 0.05) * 20, 1e-4),
            (slope("gamma", terms, 5, 1e-3) * 10, 1e-4),
            (-slope("gamma", terms, 3, 1e-3) * 1000 / 365, 1e-5),
        )
        for name, value, (expected, scale) in zip(names, values, wanted):
            near(f"{name} {terms}", value, expected, 1e-6 * (abs(expected) + scale), relative=False)
    return len(rows) * len(names)


def american_by_quantlib(option, scheme):
    """QuantLib's price; None where exercise has two boundaries."""
    kind, spot, strike, days, rate, volatility, dividend = option
    day_count = ql.Actual365Fixed()
    curve = lambda level: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, level, day_count))
    level = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, day_count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), curve(dividend), curve(rate), level)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if kind == "call" else ql.Option.Put, strike)
    contract = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + days))
    contract.setPricingEngine(ql.QdFpAmericanEngine(process, scheme))
    try:
        return contract.NPV()
    except RuntimeError as error:
        if "double-boundary" in str(error):
            return None
        raise


def american(connection):
    """American options against QuantLib's engine after Andersen, Lake and Offengenden."""
    ql.Settings.instance().evaluationDate = TODAY
    usual, fine = ql.QdFpAmericanEngine.highPrecisionScheme(), ql.QdFpTanhSinhIterationScheme(24, 48, 1e-13)
    chosen = [*options(250, 4, False), *options(250, 5, True)]
    rows = [(kind, spot, strike, days / 365, rate, volatility, dividend) for kind, spot, strike, days, rate, volatility, dividend in chosen]
    found = ask(connection, "american_price(k, a, b, c, d, e, f)", rows)
    closer = 0
    for option, value in zip(chosen, found):
        strike, wanted = option[2], american_by_quantlib(option, usual)
        if wanted is None:
            if value is not None:
                raise AssertionError(f"price {option}: {value!r}, wanted none")
            continue
        if value is None or abs(value - wanted) > 1e-9 * strike:
            # The usual scheme stops after ten steps; a finer one tells.
            closer, wanted = closer + 1, american_by_quantlib(option, fine)
        near(f"price {option}", value, wanted, 1e-8 * strike, relative=False)
    few = chosen[:25]
    fields = ", ".join(f"(american_greeks(k, a, b, c, d, e, f)).{field}" for field in ("delta", "vega", "rho"))
    for option, values in zip(few, ask(connection, fields, rows[:25])):
        for value, place, step, unit in zip(values, (1, 5, 4), (option[1] * 1e-3, 1e-3, 1e-4), (1, 100, 100)):
            up, down = list(option), list(option)
            up[place], down[place] = up[place] + step, down[place] - step
            slope = (american_by_quantlib(up, usual) - american_by_quantlib(down, usual)) / (2 * step)
            near(f"slope {place} of {option}", value, slope / unit, 2e-4 * option[2] / unit, relative=False)
    implied = ask(connection, "american_implied_vol(k, g, a, b, c, d, f)", [(*row, value) for row, value in zip(rows[:60], found)])
    again = ask(connection, "american_price(k, a, b, c, d, e, f)", [(*row[:5], value or 0.0, row[6]) for row, value in zip(rows[:60], implied)])
    for row, price, value, priced in zip(rows, found, implied, again):
        exercise = (row[1] - row[2]) * (1 if row[0] == "call" else -1)
        if price - max(exercise, 0.0) > 1e-6 * row[2] or value is not None:
            near(f"price at the volatility implied by {row}", priced, price, 1e-11 * row[2], relative=False)
    return len(chosen) + len(few) * 3 + len(implied), closer


def parity(connection):
    """The line through a chain against numpy's."""
    chance = random.Random(6)
    for _ in range(50):
        strikes = sorted(chance.sample(range(50, 150), chance.randint(3, 40)))
        forward, discount = chance.uniform(80, 120), chance.uniform(0.9, 1.0)
        calls = [chance.uniform(1, 20) for _ in strikes]
        puts = [call - discount * (forward - strike) + chance.gauss(0, 0.01) for call, strike in zip(calls, strikes)]
        statement = "SELECT (p).forward, (p).discount_factor, (p).n, (p).rmse FROM (SELECT parity_forward(k, c, p) AS p FROM unnest(%s::float8[], %s::float8[], %s::float8[]) t(k, c, p)) s"
        found = connection.execute(statement, [list(map(float, strikes)), calls, puts]).fetchone()
        differences = np.array(calls) - np.array(puts)
        slope, intercept = np.polyfit(strikes, differences, 1)
        residuals = differences - (slope * np.array(strikes) + intercept)
        for value, wanted in zip(found, (-intercept / slope, -slope, len(strikes), float(np.sqrt(np.mean(residuals**2))))):
            near(f"parity of {strikes}", float(value), float(wanted), 1e-9)
    return 50


def day_counts(connection):
    """Fractions of years against QuantLib's."""
    counters = {
        "ACT/365F": ql.Actual365Fixed(),
        "ACT/360": ql.Actual360(),
        "ACT/ACT": ql.ActualActual(ql.ActualActual.ISDA),
        "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    }
    chance = random.Random(7)
    for _ in range(300):
        start = date(2000, 1, 1) + timedelta(days=chance.randint(0, 12000))
        end = start + timedelta(days=chance.randint(0, 4000))
        name = chance.choice(list(counters))
        found = connection.execute("SELECT year_fraction(%s::date, %s::date, %s)", [start, end, name]).fetchone()[0]
        first, last = (ql.Date(day.day, day.month, day.year) for day in (start, end))
        near(f"{name} from {start} to {end}", found, counters[name].yearFraction(first, last), 1e-12, relative=False)
    return 300


def curves(connection):
    """Values between points against NumPy's; outside of them there are none here."""
    chance = random.Random(8)
    for _ in range(100):
        places = sorted(chance.sample(range(1, 1000), chance.randint(1, 12)))
        values = [chance.gauss(0, 10) for _ in places]
        at = chance.choice((chance.uniform(0, 1000), float(chance.choice(places))))
        shuffled = list(zip(places, values))
        chance.shuffle(shuffled)
        statement = "SELECT interp(%s, x, y) FROM unnest(%s::float8[], %s::float8[]) t(x, y)"
        found = connection.execute(statement, [at, *map(list, zip(*shuffled))]).fetchone()[0]
        inside = places[0] <= at <= places[-1]
        if not inside and found is not None:
            raise AssertionError(f"a value at {at}, outside of {places}: {found}")
        if inside:
            near(f"the value at {at}", found, float(np.interp(at, places, values)), 1e-12, relative=False)
    return 100


def main() -> int:
    """Everything."""
    with psycopg.connect(autocommit=True) as connection:
        counts = european(connection), higher_order(connection), *american(connection), parity(connection), day_counts(connection), curves(connection)
    print("ok european={} higher_order={} american={} finer={} parity={} day_counts={} curves={}".format(*counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
