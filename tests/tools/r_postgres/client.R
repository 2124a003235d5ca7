# R's RPostgreSQL: lists, fields, queries with parameters, fetching in pieces, temporary tables; dplyr's pipelines over it.
#
# The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE. Says every failure, and then `ok` and the number
# of checks.
suppressPackageStartupMessages({
  library(DBI)
  library(RPostgreSQL)
  library(dplyr)
  library(dbplyr)
})

checks <- 0
failures <- 0
shown <- function(value) paste(deparse(value), collapse = " ")

check <- function(what, got, wanted) {
  checks <<- checks + 1
  if (!isTRUE(all.equal(got, wanted, check.attributes = FALSE))) {
    failures <<- failures + 1
    message(what, ": wanted ", shown(wanted), ", got ", shown(got))
  }
}

# An error is a failure of its own, and the next part runs.
part <- function(name, code) {
  tryCatch(force(code), error = function(error) {
    failures <<- failures + 1
    message(name, ": stopped by ", gsub("\n", " ", conditionMessage(error)))
  })
  invisible()
}

# What the server says of a statement that fails.
refusal <- function(sql) {
  options(show.error.messages = FALSE)
  suppressWarnings(dbGetQuery(db, sql))
  options(show.error.messages = TRUE)
  dbGetException(db)$errorMsg
}

db <- dbConnect(PostgreSQL(), host = Sys.getenv("PGHOST"), port = as.integer(Sys.getenv("PGPORT")), user = Sys.getenv("PGUSER"), dbname = Sys.getenv("PGDATABASE"))

part("connection", {
  info <- dbGetInfo(db)
  check("dbname and user", c(info$dbname, info$user), c(Sys.getenv("PGDATABASE"), Sys.getenv("PGUSER")))
  check("version", substr(info$serverVersion, 1, 3), "16.")
  check("isPostgresqlIdCurrent", isPostgresqlIdCurrent(db), TRUE)
  check("a second connection", dbGetQuery(dbConnect(PostgreSQL(), host = Sys.getenv("PGHOST"), port = as.integer(Sys.getenv("PGPORT")), user = Sys.getenv("PGUSER"), dbname = Sys.getenv("PGDATABASE")), "SELECT 1 AS one")$one, 1)
})

part("lists", {
  tables <- dbListTables(db)
  check("tables", setdiff(c("eod", "symbols", "quotes", "option_chains"), tables), character(0))
  check("there and not there", c(dbExistsTable(db, "eod"), dbExistsTable(db, c("live", "quotes")), dbExistsTable(db, "nosuch")), c(TRUE, TRUE, FALSE))
  check("fields", dbListFields(db, "eod"), c("symbol", "date", "open", "high", "low", "close", "volume", "open_interest", "source", "fetched_at"))
  info <- dbColumnInfo(dbSendQuery(db, "SELECT symbol, date, close, volume, fetched_at FROM eod LIMIT 1"))
  check("column info", info$type, c("TEXT", "DATE", "FLOAT8", "BIGINT", "TIMESTAMPTZOID"))
  check("classes", info$Sclass, c("character", "Date", "double", "double", "POSIXct"))
  dbClearResult(dbListResults(db)[[1]])
})

part("values", {
  row <- dbGetQuery(db, "SELECT true AS b, 2::int AS i, 3::bigint AS l, 0.1::float8 AS d, 12.5::numeric(10, 2) AS n, 'é ''x''' AS t, date '2026-11-20' AS day,
      timestamptz '2026-11-20 09:30:00.25-05' AS instant, NULL::float8 AS nothing, NULL::text AS no_text")
  check("a boolean and numbers", list(row$b, row$i, row$l, row$d, row$n), list(TRUE, 2L, 3, 0.1, 12.5))
  check("text and a date", list(row$t, row$day), list("é 'x'", as.Date("2026-11-20")))
  check("an instant", as.numeric(row$instant), 1795185000.25)
  check("NULLs", c(is.na(row$nothing), is.na(row$no_text)), c(TRUE, TRUE))
  bar <- dbGetQuery(db, "SELECT date, close, volume, open_interest FROM eod WHERE symbol = 'AAPL' ORDER BY date DESC LIMIT 1")
  check("classes of a bar", unname(sapply(bar, function(one) class(one)[1])), c("Date", "numeric", "numeric", "numeric"))
})

part("parameters", {
  wanted <- dbGetQuery(db, "SELECT count(*) AS n FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1")$n
  check("there are bars", wanted > 100, TRUE)
  sql <- "SELECT count(*) AS n FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3"
  for (again in 1:3) check("bars", dbGetQuery(db, sql, list("AAPL", "2026-01-02", 1))$n, wanted)
  check("a quote", dbGetQuery(db, "SELECT $1 || 'x' AS t", "'; drop table eod; --")$t, "'; drop table eod; --x")
  check("escaped", dbGetQuery(db, paste0("SELECT '", postgresqlEscapeStrings(db, "it's"), "' AS t"))$t, "it's")
})

part("rows", {
  total <- dbGetQuery(db, "SELECT count(*) AS n FROM eod")$n
  result <- dbSendQuery(db, "SELECT symbol, date, close FROM eod ORDER BY symbol, date")
  first <- fetch(result, n = 3)
  check("the first", first$symbol, c("A", "A", "A"))
  check("not complete", dbHasCompleted(result), FALSE)
  rest <- fetch(result, n = -1)
  check("rows", nrow(first) + nrow(rest), total)
  check("in order", !is.unsorted(rest$symbol), TRUE)
  check("complete", dbHasCompleted(result), TRUE)
  dbClearResult(result)
  dbBegin(db)
  dbGetQuery(db, "DECLARE bars CURSOR FOR SELECT symbol FROM eod")
  seen <- 0
  repeat {
    page <- nrow(dbGetQuery(db, "FETCH 100000 FROM bars"))
    seen <- seen + page
    if (page == 0) break
  }
  check("rows of a cursor", seen, total)
  dbCommit(db)
})

part("errors", {
  check("an unknown table", grepl('relation "nosuch" does not exist', refusal("SELECT * FROM nosuch")), TRUE)
  dbBegin(db)
  refusal("SELECT 1/0")
  check("after an error", grepl("current transaction is aborted", refusal("SELECT 1")), TRUE)
  dbRollback(db)
  check("after a rollback", dbGetQuery(db, "SELECT 1 AS one")$one, 1)
  check("a change", grepl("read-only|cannot execute|not allowed|permission", refusal("DELETE FROM eod")), TRUE)
})

part("temporary tables", {
  invisible(dbGetQuery(db, "CREATE TEMP TABLE taken (symbol text PRIMARY KEY, day date, price float8, size integer, active boolean)"))
  frame <- data.frame(symbol = c("AAPL", "SPY", "a\tb \\"), day = as.Date(c("2026-01-02", NA, "2026-01-04")), price = c(1.5, NA, 3), size = c(1L, 2L, NA), active = c(TRUE, FALSE, NA))
  # It fills the table by COPY FROM STDIN, and finds a temporary table under the name of its schema only.
  taken <- c(dbGetQuery(db, "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")$nspname, "taken")
  check("exists", dbExistsTable(db, taken), TRUE)
  check("dbWriteTable", dbWriteTable(db, taken, frame, append = TRUE, row.names = FALSE), TRUE)
  got <- dbReadTable(db, taken)
  got <- got[order(match(got$symbol, frame$symbol)), ]
  for (name in names(frame)) check(paste("column", name), got[[name]], frame[[name]])
  result <- dbSendQuery(db, "UPDATE taken SET price = 9 WHERE price IS NULL")
  check("rows affected", dbGetRowsAffected(result), 1)
  dbClearResult(result)
  check("removed", dbRemoveTable(db, taken), TRUE)
})

part("dplyr", {
  bars <- tbl(db, "eod")
  wanted <- dbGetQuery(db, "SELECT symbol, max(close) AS top, count(*) AS n FROM eod WHERE symbol IN ('AAPL', 'SPY') GROUP BY symbol ORDER BY symbol")
  got <- bars %>% filter(symbol %in% c("AAPL", "SPY")) %>% group_by(symbol) %>% summarise(top = max(close, na.rm = TRUE), n = n()) %>% arrange(symbol) %>% collect()
  check("group", as.data.frame(got), wanted)
  check("columns", colnames(bars), dbListFields(db, "eod"))
  check("a schema", colnames(tbl(db, in_schema("live", "quotes")))[1], "symbol")
  check("head", nrow(collect(head(bars, 5))), 5)
  check("count", pull(collect(count(filter(bars, symbol == "AAPL")))), wanted$n[1])
  lagged <- bars %>% filter(symbol == "AAPL") %>% window_order(date) %>% mutate(change = close - lag(close)) %>% arrange(date) %>% select(date, change) %>% head(2) %>% collect()
  check("lag", c(is.na(lagged$change[1]), is.na(lagged$change[2])), c(TRUE, FALSE))
  joined <- bars %>% inner_join(tbl(db, "symbols"), by = "symbol") %>% filter(symbol == "AAPL") %>% tally() %>% pull(n)
  check("join", joined, wanted$n[1])
  texts <- tbl(db, "symbols") %>% filter(symbol == "SPY") %>% mutate(low = tolower(symbol), first = substr(symbol, 1L, 1L), both = paste0(symbol, "-", type), long = nchar(symbol)) %>%
    select(low, first, long) %>% collect()
  check("functions", unlist(lapply(texts, as.character), use.names = FALSE), c("spy", "S", "3"))
  detected <- tbl(db, "symbols") %>% filter(grepl("^SP", symbol)) %>% tally() %>% pull(n)
  check("grepl", detected, dbGetQuery(db, "SELECT count(*) AS n FROM symbols WHERE symbol ~ '^SP'")$n)
  dated <- bars %>% filter(symbol == "AAPL", date >= as.Date("2026-01-02")) %>% mutate(year = year(date)) %>% summarise(y = min(year, na.rm = TRUE)) %>% pull(y)
  check("a date", dated, 2026)
  quantiles <- bars %>% filter(symbol == "AAPL") %>% summarise(m = median(close, na.rm = TRUE), q = quantile(close, 0.9, na.rm = TRUE), s = sd(close, na.rm = TRUE)) %>% collect()
  check("median and deviation", quantiles$m > 0 && quantiles$q > quantiles$m && quantiles$s > 0, TRUE)
  ranked <- bars %>% group_by(symbol) %>% slice_max(date, n = 1) %>% ungroup() %>% tally() %>% pull(n)
  check("slice_max", ranked, dbGetQuery(db, "SELECT count(DISTINCT symbol) AS n FROM eod")$n)
  check("explain", grepl("cost=", paste(capture.output(explain(filter(bars, symbol == "AAPL")), type = "output"), collapse = " ")), TRUE)
})

part("dplyr, compute", {
  # It makes a temporary table, and says ANALYZE of it.
  kept <- tbl(db, "eod") %>% filter(symbol == "AAPL") %>% select(symbol, date, close) %>% compute(name = "kept", temporary = TRUE)
  check("compute", pull(tally(kept), n), pull(tally(filter(tbl(db, "eod"), symbol == "AAPL")), n))
  check("columns", colnames(kept), c("symbol", "date", "close"))
  unnamed <- compute(head(tbl(db, "symbols"), 3))
  check("without a name", pull(tally(unnamed), n), 3)
})

invisible(dbDisconnect(db))
if (failures > 0) {
  message(failures, " of ", checks, " checks failed")
  quit(status = 1)
}
cat("ok checks=", checks, "\n", sep = "")
