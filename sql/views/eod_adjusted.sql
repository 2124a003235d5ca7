-- Daily bars in today's shares with dividends taken off: eod times the factors of splits and dividends.
-- Grain: symbol, date. Nothing is adjusted twice: a split counts where splits.adjusted says that the source has not adjusted
-- for it; bars of other sources than the split was seen in, such as imported ones, are taken to be in the shares of their last
-- bar's day. A dividend takes amount / close off the bars before its date, close being the last before it; volumes follow
-- splits alone. Known as of the versions of eod, splits and dividends that are read: SET as_of works.
-- date: Trading date in New York
-- open: First price of the session, adjusted [currency per share of today]
-- high: Highest price of the session, adjusted [currency per share of today]
-- low: Lowest price of the session, adjusted [currency per share of today]
-- close: Last price of the session, adjusted [currency per share of today]
-- volume: Shares traded in the session, adjusted for splits [shares of today]
WITH ends AS (
    SELECT symbol, source, max(date) AS last_date
    FROM eod
    GROUP BY symbol, source
),
later AS (
    SELECT ends.symbol, ends.source, sum(ln(splits.ratio)) AS log_ratio
    FROM ends
    JOIN splits ON splits.symbol = ends.symbol
    WHERE splits.adjusted
        AND splits.ratio > 0
        AND splits.source <> ends.source
        AND splits.effective_date > ends.last_date
    GROUP BY ends.symbol, ends.source
),
latest AS (
    SELECT symbol, max(last_date) AS last_date
    FROM ends
    GROUP BY symbol
),
lines AS (
    SELECT
        symbol, date, 1 AS kind, open, high, low, close, volume, open_interest, source, fetched_at,
        CAST(NULL AS double precision) AS amount, CAST(NULL AS double precision) AS ratio
    FROM eod
    UNION ALL
    SELECT
        dividends.symbol, dividends.date, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        dividends.amount, NULL
    FROM dividends
    JOIN latest ON latest.symbol = dividends.symbol
    WHERE dividends.date <= latest.last_date
    UNION ALL
    SELECT symbol, effective_date, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ratio
    FROM splits
    WHERE NOT adjusted
        AND ratio > 0
),
known AS (
    SELECT
        *,
        last_value(close) IGNORE NULLS OVER (
            PARTITION BY symbol ORDER BY date, kind ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS last_close
    FROM lines
),
steps AS (
    SELECT
        *,
        CASE WHEN amount > 0 AND amount < last_close THEN ln(1 - amount / last_close) ELSE 0.0 END AS log_dividend,
        CASE WHEN ratio > 0 THEN ln(ratio) ELSE 0.0 END AS log_split
    FROM known
),
summed AS (
    SELECT
        *,
        sum(log_dividend) OVER from_the_end AS log_dividends,
        sum(log_split) OVER from_the_end AS log_splits
    FROM steps
    WINDOW from_the_end AS (
        PARTITION BY symbol ORDER BY date DESC, kind DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
factors AS (
    SELECT
        summed.*,
        exp(summed.log_dividends) AS kept,
        round(exp(summed.log_splits + coalesce(later.log_ratio, 0.0)) * 1e12) / 1e12 AS shares
    FROM summed
    LEFT JOIN later ON later.symbol = summed.symbol AND later.source = summed.source
    WHERE summed.kind = 1
)
SELECT
    symbol,
    date,
    open * kept / shares AS open,
    high * kept / shares AS high,
    low * kept / shares AS low,
    close * kept / shares AS close,
    CAST(round(volume * shares) AS bigint) AS volume,
    open_interest,
    source,
    fetched_at
FROM factors
