// pgx as its users write it: a pool, every mode of sending a statement, COPY, batches, types, cancel.
//
//	client types.sql
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

func code(err error) string {
	var found *pgconn.PgError
	if errors.As(err, &found) {
		return found.Code
	}
	if err == nil {
		return "no error"
	}
	return err.Error()
}

type bar struct {
	Symbol       string
	Date         pgtype.Date
	Close        *float64
	Volume       *int64
	OpenInterest *int64
	FetchedAt    time.Time
}

// values reads a value and a NULL of every type.
func values(connection *pgx.Conn, mode string) {
	text, err := os.ReadFile(os.Args[1])
	if !succeeds("types.sql", err) {
		return
	}
	rows, err := connection.Query(all, string(text))
	if !succeeds("types, "+mode, err) {
		return
	}
	maps, err := pgx.CollectRows(rows, pgx.RowToMap)
	if !succeeds("types, "+mode, err) || len(maps) != 2 {
		return
	}
	row := maps[0]
	check(mode+" instant", row["instant"].(time.Time).UTC(), time.Date(2024, 2, 29, 13, 14, 15, 123456000, time.UTC))
	check(mode+" NaN", math.IsNaN(row["not_a_number"].(float64)), true)
	wide, _ := row["wide_decimal"].(pgtype.Numeric).Value()
	check(mode+" wide_decimal", wide, "-12345678901234567890123456789012345678901234567890.1234567890")
	decimal, _ := row["decimal"].(pgtype.Numeric).Float64Value()
	check(mode+" decimal", decimal.Float64, 12345.6789)
	for name, wanted := range map[string]any{
		"boolean": true, "int2": int16(-32768), "int4": int32(math.MinInt32), "int8": int64(math.MaxInt64), "float4": float32(1.5),
		"float8": 0.1, "infinite": math.Inf(-1), "words": "é \"x\" 'y'", "no_words": "", "bytes": []byte{0, 255, 16},
		"day": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "local": time.Date(2023, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"clock":    pgtype.Time{Microseconds: 47655123456, Valid: true},
		"span":     pgtype.Interval{Months: 1, Days: 2, Microseconds: 11045678000, Valid: true},
		"integers": []any{int32(1), int32(2), nil}, "texts": []any{"a", `b"c`, nil, ""},
		"days": []any{time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), nil},
	} {
		check(mode+" "+name, row[name], wanted)
	}
	for name, value := range maps[1] {
		check(mode+" NULL "+name, value, nil)
	}
}

// parameters sends values of every kind.
func parameters(connection *pgx.Conn, mode string) {
	for _, symbol := range []string{"AAPL", "MSFT", "SPY", "AAPL"} {
		rows, err := connection.Query(all, `SELECT symbol, date, close, volume, open_interest, fetched_at FROM eod
			WHERE symbol = $1 AND date >= $2 AND close > $3 ORDER BY date LIMIT $4`, symbol, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), 1.5, 3)
		if !succeeds("bars, "+mode, err) {
			continue
		}
		bars, err := pgx.CollectRows(rows, pgx.RowToStructByName[bar])
		if !succeeds("bars, "+mode, err) || len(bars) != 3 {
			check("bars, "+mode, len(bars), 3)
			continue
		}
		check("first bar, "+mode, []any{bars[0].Symbol, bars[0].Date.Time.Format(time.DateOnly), *bars[0].Close > 0, *bars[0].Volume > 0, bars[0].OpenInterest == nil},
			[]any{symbol, "2026-01-02", true, true, true})
	}
	var found []string
	err := connection.QueryRow(all, "SELECT array_agg(symbol ORDER BY symbol) FROM symbols WHERE symbol = ANY($1)", []string{"SPY", "AAPL", "nosuch"}).Scan(&found)
	succeeds("a list, "+mode, err)
	check("a list, "+mode, found, []string{"AAPL", "SPY"})
	at := time.Date(2024, 7, 1, 12, 0, 0, 123456000, time.UTC)
	var (
		number            int
		word              string
		instant           time.Time
		raw               []byte
		nothing           *bool
		decimal           pgtype.Numeric
		large             int64
		words             []*string
		days              []time.Time
		span              time.Duration
		document, another map[string]any
		id                [16]byte
	)
	given := pgtype.Numeric{}
	_ = given.Scan("12.75")
	x := "x"
	err = connection.QueryRow(all, `SELECT $1::int, $2::text, $3::timestamptz, $4::bytea, $5::boolean, $6::numeric, $7::bigint, $8::text[], $9::date[], $10::interval`,
		7, "it's", at, []byte{0, 1}, nil, given, int64(1)<<62, []*string{&x, nil}, []time.Time{at.Truncate(24 * time.Hour)}, 90*time.Minute).
		Scan(&number, &word, &instant, &raw, &nothing, &decimal, &large, &words, &days, &span)
	if succeeds("values of parameters, "+mode, err) {
		value, _ := decimal.Value()
		check("values of parameters, "+mode, []any{number, word, instant.UTC(), raw, nothing == nil, value, large, *words[0], words[1] == nil, days[0], span},
			[]any{7, "it's", at, []byte{0, 1}, true, "12.75", int64(1) << 62, "x", true, at.Truncate(24 * time.Hour), 90 * time.Minute})
	}
	// Where no types are asked for, a map is no text.
	one, two := any(map[string]any{"x": []any{1.0, nil}}), any(map[string]any{"y": "z"})
	if strings.HasPrefix(mode, "exec") || strings.HasPrefix(mode, "simple") {
		one, two = `{"x": [1, null]}`, `{"y": "z"}`
	}
	err = connection.QueryRow(all, "SELECT $1::jsonb, $2::json", one, two).Scan(&document, &another)
	if succeeds("documents, "+mode, err) {
		check("documents, "+mode, []any{document, another}, []any{map[string]any{"x": []any{1.0, nil}}, map[string]any{"y": "z"}})
	}
	err = connection.QueryRow(all, "SELECT $1::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11").Scan(&id)
	if succeeds("uuid, "+mode, err) {
		check("uuid, "+mode, id[0], byte(0xa0))
	}
	var named int
	err = connection.QueryRow(all, "SELECT count(*) FROM eod WHERE symbol = @symbol AND date > @day", pgx.NamedArgs{"symbol": "SPY", "day": "2026-01-01"}).Scan(&named)
	if succeeds("named, "+mode, err) {
		check("named, "+mode, named > 100, true)
	}
	var lists []string
	err = connection.QueryRow(all, "SELECT lists FROM symbols WHERE symbol = $1 AND lists @> $2", "SPY", []string{"etf"}).Scan(&lists)
	if succeeds("arrays that contain, "+mode, err) {
		check("arrays that contain, "+mode, lists, []string{"etf"})
	}
}

// temporary fills a table of the session by COPY, a batch and a transaction with savepoints.
func temporary(connection *pgx.Conn, mode string) {
	_, err := connection.Exec(all, "CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2), day date, at timestamptz, tags text[], share float8, open boolean)")
	if !succeeds("CREATE TEMP TABLE, "+mode, err) {
		return
	}
	defer connection.Exec(all, "DROP TABLE kept")
	at := time.Date(2024, 2, 29, 12, 0, 0, 1000, time.UTC)
	price := pgtype.Numeric{}
	_ = price.Scan("12.75")
	copied, err := connection.CopyFrom(all, pgx.Identifier{"kept"}, []string{"id", "name", "price", "day", "at", "tags", "share", "open"},
		pgx.CopyFromSlice(1000, func(n int) ([]any, error) {
			if n%2 == 1 {
				return []any{n, fmt.Sprint("w", n), nil, nil, nil, nil, nil, nil}, nil
			}
			return []any{n, fmt.Sprint("w", n), price, at, at, []string{"a", "b"}, 0.5, true}, nil
		}))
	succeeds("COPY FROM, "+mode, err)
	check("rows of COPY FROM, "+mode, copied, int64(1000))
	var count, prices int
	var sum string
	var first time.Time
	err = connection.QueryRow(all, "SELECT count(*), count(price), sum(price)::text, min(at) FROM kept WHERE tags IS NULL OR tags[2] = 'b'").Scan(&count, &prices, &sum, &first)
	if succeeds("copied, "+mode, err) {
		check("copied, "+mode, []any{count, prices, sum, first.UTC()}, []any{1000, 500, "6375.00", at})
	}
	batch := &pgx.Batch{}
	for n := range 10 {
		batch.Queue("INSERT INTO kept (id, name) VALUES ($1, $2)", 2000+n, "batch")
	}
	names := 0
	batch.Queue("SELECT count(*) FROM kept WHERE name = $1", "batch").QueryRow(func(row pgx.Row) error { return row.Scan(&names) })
	if succeeds("a batch, "+mode, connection.SendBatch(all, batch).Close()) {
		check("rows of a batch, "+mode, names, 10)
	}
	batch = &pgx.Batch{}
	batch.Queue("INSERT INTO kept (id, name) VALUES ($1, $2)", 3000, "gone")
	batch.Queue("INSERT INTO kept (id, name) VALUES ($1, $2)", 3000, "again")
	check("a batch that fails, "+mode, code(connection.SendBatch(all, batch).Close()), "23505")
	_ = connection.QueryRow(all, "SELECT count(*) FROM kept WHERE id = 3000").Scan(&count)
	check("it goes back as one, "+mode, count, 0)

	tag, err := connection.Exec(all, "UPDATE kept SET name = $1 WHERE id < $2", "changed", 10)
	if succeeds("UPDATE, "+mode, err) {
		check("rows changed, "+mode, tag.RowsAffected(), int64(10))
	}
	err = pgx.BeginFunc(all, connection, func(tx pgx.Tx) error {
		if _, err := tx.Exec(all, "INSERT INTO kept (id, name) VALUES ($1, 'outer')", 4000); err != nil {
			return err
		}
		inner, err := tx.Begin(all)
		if err != nil {
			return err
		}
		_, err = inner.Exec(all, "INSERT INTO kept (id, name) VALUES ($1, 'again')", 4000)
		var found *pgconn.PgError
		if errors.As(err, &found) {
			check("a key twice, "+mode, []string{found.Code, found.ConstraintName, found.TableName}, []string{"23505", "kept_pkey", "kept"})
		} else {
			check("a key twice, "+mode, code(err), "23505")
		}
		if err := inner.Rollback(all); err != nil {
			return err
		}
		return tx.QueryRow(all, "SELECT count(*) FROM kept WHERE id = $1", 4000).Scan(&count)
	})
	succeeds("a transaction, "+mode, err)
	check("rows of a transaction, "+mode, count, 1)
	tag, err = connection.Exec(all, "DELETE FROM kept WHERE id >= $1", 2000)
	if succeeds("DELETE, "+mode, err) {
		check("rows deleted, "+mode, tag.RowsAffected(), int64(11))
	}
}

func failures(connection *pgx.Conn, mode string) {
	var n int
	for sql, wanted := range map[string]string{
		"SELEC 1": "42601", "SELECT * FROM nosuch": "42P01", "SELECT nosuch FROM eod": "42703", "SELECT nosuch(1)": "42883",
		"SELECT 1 / 0": "22012", "SELECT 'abc'::int": "22P02", "UPDATE eod SET close = 1": "25006",
	} {
		check(sql+", "+mode, code(connection.QueryRow(all, sql).Scan(&n)), wanted)
	}
	tx, err := connection.BeginTx(all, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly, DeferrableMode: pgx.NotDeferrable})
	if succeeds("BEGIN, "+mode, err) {
		_, err = tx.Exec(all, "SELECT 1 / $1::int", 0)
		check("zero, "+mode, code(err), "22012")
		_, err = tx.Exec(all, "SELECT 1")
		check("after an error, "+mode, code(err), "25P02")
		check("COMMIT of what failed, "+mode, tx.Commit(all), pgx.ErrTxCommitRollback)
	}
}

func modes() {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		settings, _ := pgx.ParseConfig("")
		settings.DefaultQueryExecMode = mode
		connection, err := pgx.ConnectConfig(all, settings)
		if !succeeds("connection, "+mode.String(), err) {
			continue
		}
		values(connection, mode.String())
		parameters(connection, mode.String())
		temporary(connection, mode.String())
		failures(connection, mode.String())
		succeeds("close, "+mode.String(), connection.Close(all))
	}
}

func streams(pool *pgxpool.Pool) {
	var total, read int
	_ = pool.QueryRow(all, "SELECT count(*) FROM eod").Scan(&total)
	rows, err := pool.Query(all, "SELECT symbol, date, close FROM eod")
	if succeeds("rows", err) {
		var symbol string
		var day time.Time
		var price *float64
		_, err = pgx.ForEachRow(rows, []any{&symbol, &day, &price}, func() error { read++; return nil })
		succeeds("rows", err)
		check("rows", read, total)
	}
	err = pgx.BeginFunc(all, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(all, "DECLARE bars NO SCROLL CURSOR FOR SELECT symbol, date FROM eod WHERE symbol > $1", "A"); err != nil {
			return err
		}
		var fetched int
		for {
			tag, err := tx.Exec(all, "FETCH FORWARD 50000 FROM bars")
			if err != nil {
				return err
			}
			fetched += int(tag.RowsAffected())
			if tag.RowsAffected() < 50000 {
				break
			}
		}
		var wanted int
		if err := tx.QueryRow(all, "SELECT count(*) FROM eod WHERE symbol > 'A'").Scan(&wanted); err != nil {
			return err
		}
		check("rows of a cursor", fetched, wanted)
		_, err := tx.Exec(all, "CLOSE bars")
		return err
	})
	succeeds("a cursor", err)
	err = pool.AcquireFunc(all, func(taken *pgxpool.Conn) error {
		var out bytes.Buffer
		tag, err := taken.Conn().PgConn().CopyTo(all, &out, "COPY (SELECT symbol, close FROM eod WHERE symbol = 'AAPL' ORDER BY date) TO STDOUT (FORMAT csv)")
		if !succeeds("COPY TO", err) {
			return nil
		}
		check("lines of COPY TO", int64(strings.Count(out.String(), "\n")), tag.RowsAffected())
		out.Reset()
		_, err = taken.Conn().PgConn().CopyTo(all, &out, "COPY symbols (symbol) TO STDOUT (FORMAT binary)")
		succeeds("binary COPY TO", err)
		check("its header", strings.HasPrefix(out.String(), "PGCOPY\n\xff\r\n\x00"), true)
		return nil
	})
	succeeds("a taken connection", err)
}

func pipelines(pool *pgxpool.Pool) {
	err := pool.AcquireFunc(all, func(taken *pgxpool.Conn) error {
		raw := taken.Conn().PgConn()
		described, err := raw.Prepare(all, "bars", "SELECT symbol, close FROM eod WHERE symbol = $1 AND date > $2 AND volume > $3", nil)
		if !succeeds("Prepare", err) {
			return nil
		}
		check("types of parameters", described.ParamOIDs, []uint32{25, 1082, 20})
		check("types of columns", []uint32{described.Fields[0].DataTypeOID, described.Fields[1].DataTypeOID}, []uint32{25, 701})
		pipe := raw.StartPipeline(all)
		for range 3 {
			pipe.SendQueryPrepared("bars", [][]byte{[]byte("SPY"), []byte("2026-01-01"), []byte("0")}, nil, nil)
		}
		pipe.SendQueryParams("SELECT 1 / $1::int", [][]byte{[]byte("0")}, nil, nil, nil)
		pipe.SendQueryParams("SELECT 1", nil, nil, nil, nil)
		if err := pipe.Sync(); err != nil {
			return err
		}
		var told []string
		for {
			result, err := pipe.GetResults()
			if err != nil {
				told = append(told, code(err))
				continue
			}
			if result == nil {
				break
			}
			switch result := result.(type) {
			case *pgconn.ResultReader:
				read := result.Read()
				if read.Err != nil {
					told = append(told, code(read.Err))
				} else {
					told = append(told, fmt.Sprint(len(read.Rows) > 100))
				}
			case *pgconn.PipelineSync:
				told = append(told, "sync")
			}
		}
		check("a pipeline", told, []string{"true", "true", "true", "22012", "sync"})
		if err := pipe.Close(); err != nil {
			return err
		}
		return raw.Deallocate(all, "bars")
	})
	succeeds("pipelines", err)
}

func cancels(pool *pgxpool.Pool) {
	short, done := context.WithTimeout(all, 300*time.Millisecond)
	defer done()
	began := time.Now()
	_, err := pool.Exec(short, "SELECT pg_sleep(30)")
	check("out of the context's time", errors.Is(err, context.DeadlineExceeded), true)
	check("at once", time.Since(began) < 3*time.Second, true)
	settings, _ := pgx.ParseConfig("")
	settings.BuildContextWatcherHandler = func(raw *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: raw, DeadlineDelay: 5 * time.Second}
	}
	settings.RuntimeParams["application_name"] = "cancelled"
	connection, err := pgx.ConnectConfig(all, settings)
	if !succeeds("connection", err) {
		return
	}
	defer connection.Close(all)
	asked, done := context.WithTimeout(all, 300*time.Millisecond)
	defer done()
	_, err = connection.Exec(asked, "SELECT pg_sleep(30)")
	check("a cancel request", code(err), "57014")
	var name string
	succeeds("the connection goes on", connection.QueryRow(all, "SHOW application_name").Scan(&name))
	check("its name", name, "cancelled")
	_, err = connection.Exec(all, "SET statement_timeout = 200")
	succeeds("a limit", err)
	_, err = connection.Exec(all, "SELECT pg_sleep(30)")
	check("out of time", code(err), "57014")
}

func others(pool *pgxpool.Pool) {
	err := pool.AcquireFunc(all, func(taken *pgxpool.Conn) error {
		_, err := taken.Exec(all, "LISTEN news")
		check("LISTEN", code(err), "0A000")
		var kind *pgtype.Type
		kind, err = taken.Conn().LoadType(all, "text[]")
		if succeeds("LoadType", err) {
			check("LoadType", []any{kind.OID, kind.Name}, []any{uint32(1009), "text[]"})
		}
		kinds, err := taken.Conn().LoadTypes(all, []string{"eod"})
		if succeeds("LoadTypes of a row", err) {
			check("LoadTypes of a row", len(kinds) > 0, true)
		}
		return nil
	})
	succeeds("others", err)
	numbers := make(chan int)
	for n := range 50 {
		go func() {
			var got int
			if err := pool.QueryRow(all, "SELECT $1::int", n).Scan(&got); err != nil {
				got = -1000000
			}
			numbers <- got
		}()
	}
	sum := 0
	for range 50 {
		sum += <-numbers
	}
	check("fifty at once", sum, 1225)
	live, done := context.WithTimeout(all, 10*time.Second)
	defer done()
	rows, err := pool.Query(live, "SELECT symbol, bid FROM live.quotes WHERE symbol = 'SPY' LIMIT 3")
	if succeeds("live quotes", err) {
		got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
			var symbol string
			var bid float64
			err := row.Scan(&symbol, &bid)
			return symbol, err
		})
		succeeds("live quotes", err)
		check("live quotes", got, []string{"SPY", "SPY", "SPY"})
	}
}

func main() {
	settings, err := pgxpool.ParseConfig("pool_max_conns=4")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pool, err := pgxpool.NewWithConfig(all, settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer pool.Close()
	succeeds("ping", pool.Ping(all))
	modes()
	streams(pool)
	pipelines(pool)
	cancels(pool)
	others(pool)
	report()
}
