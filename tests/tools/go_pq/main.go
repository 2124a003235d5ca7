// lib/pq through database/sql, as its users write it.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lib/pq"
)

func code(err error) string {
	var found *pq.Error
	if errors.As(err, &found) {
		return string(found.Code)
	}
	return fmt.Sprint(err)
}

func values(db *sql.DB, mode string) {
	var (
		truth         bool
		small         int16
		large         int64
		real, double  float64
		decimal, word string
		day, local    time.Time
		instant       time.Time
		span          string
		raw, document []byte
		texts         pq.StringArray
		numbers       pq.Int64Array
		floats        pq.Float64Array
		nothing       sql.NullString
		noNumber      sql.NullFloat64
		noDay         sql.NullTime
	)
	err := db.QueryRow(`SELECT true, (-32768)::smallint, 9223372036854775807::bigint, 1.5::real, 'Infinity'::float8, 12345.6789::numeric(20, 4), 'é ''x''',
		date '2024-02-29', timestamp '2023-12-31 23:59:59.999999', timestamptz '2024-02-29 13:14:15.123456+00', interval '1 day 2 hours', '\x00ff10'::bytea,
		'{"a": [1, null]}'::jsonb, ARRAY['a', 'b"c', ''], ARRAY[1, 2]::bigint[], ARRAY[0.5, 2]::float8[], NULL::text, NULL::float8, NULL::date`).
		Scan(&truth, &small, &large, &real, &double, &decimal, &word, &day, &local, &instant, &span, &raw, &document, &texts, &numbers, &floats, &nothing, &noNumber, &noDay)
	if !succeeds("values, "+mode, err) {
		return
	}
	check("values, "+mode, []any{truth, small, large, real, double, decimal, word, day.Format(time.DateOnly), local.Format("2006-01-02 15:04:05.999999"), instant.UTC().Format(time.RFC3339Nano), span, raw,
		string(document), []string(texts), []int64(numbers), []float64(floats), nothing.Valid, noNumber.Valid, noDay.Valid},
		[]any{true, int16(-32768), int64(math.MaxInt64), 1.5, math.Inf(1), "12345.6789", "é 'x'", "2024-02-29", "2023-12-31 23:59:59.999999", "2024-02-29T13:14:15.123456Z", "1 day 02:00:00", []byte{0, 255, 16},
			`{"a": [1, null]}`, []string{"a", `b"c`, ""}, []int64{1, 2}, []float64{0.5, 2}, false, false, false})
}

func parameters(db *sql.DB, mode string) {
	found, err := db.Prepare("SELECT symbol, date, close, volume, open_interest FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3 ORDER BY date LIMIT $4")
	if !succeeds("Prepare, "+mode, err) {
		return
	}
	defer found.Close()
	for _, symbol := range []string{"AAPL", "MSFT", "SPY", "AAPL"} {
		rows, err := found.Query(symbol, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), 1.5, 3)
		if !succeeds("bars, "+mode, err) {
			continue
		}
		var days []string
		for rows.Next() {
			var name string
			var day time.Time
			var price float64
			var volume, interest sql.NullInt64
			succeeds("a bar, "+mode, rows.Scan(&name, &day, &price, &volume, &interest))
			check("a bar, "+mode, []any{name, volume.Valid, interest.Valid}, []any{symbol, true, false})
			days = append(days, day.Format(time.DateOnly))
		}
		succeeds("bars, "+mode, rows.Err())
		check("days, "+mode, days, []string{"2026-01-02", "2026-01-05", "2026-01-06"})
	}
	var symbols pq.StringArray
	err = db.QueryRow("SELECT array_agg(symbol ORDER BY symbol) FROM symbols WHERE symbol = ANY($1)", pq.Array([]string{"SPY", "AAPL", "nosuch"})).Scan(&symbols)
	if succeeds("a list, "+mode, err) {
		check("a list, "+mode, []string(symbols), []string{"AAPL", "SPY"})
	}
	at := time.Date(2024, 7, 1, 12, 0, 0, 123456000, time.UTC)
	var number int
	var word, document string
	var instant time.Time
	var raw []byte
	var nothing sql.NullBool
	given, _ := json.Marshal(map[string]any{"x": nil})
	err = db.QueryRow("SELECT $1::int, $2::text, $3::timestamptz, $4::bytea, $5::boolean, $6::jsonb", 7, "it's", at, []byte{0, 1}, nil, string(given)).Scan(&number, &word, &instant, &raw, &nothing, &document)
	if succeeds("values of parameters, "+mode, err) {
		check("values of parameters, "+mode, []any{number, word, instant.UTC(), raw, nothing.Valid, document}, []any{7, "it's", at, []byte{0, 1}, false, `{"x": null}`})
	}
}

func columns(db *sql.DB) {
	rows, err := db.Query("SELECT symbol, date, close, volume, fetched_at, lists, 1.5::numeric(10, 2) AS n FROM eod JOIN symbols USING (symbol, fetched_at) LIMIT 0")
	if !succeeds("columns", err) {
		return
	}
	defer rows.Close()
	kinds, _ := rows.ColumnTypes()
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.DatabaseTypeName())
	}
	check("types of columns", names, []string{"TEXT", "DATE", "FLOAT8", "INT8", "TIMESTAMPTZ", "_TEXT", "NUMERIC"})
	precision, scale, ok := kinds[6].DecimalSize()
	check("digits of a numeric", []any{precision, scale, ok}, []any{int64(10), int64(2), true})
	var read, total int
	_ = db.QueryRow("SELECT count(*) FROM eod").Scan(&total)
	more, err := db.Query("SELECT symbol, date FROM eod")
	if succeeds("rows", err) {
		for more.Next() {
			read++
		}
		check("rows", read, total)
	}
	sets, err := db.Query("SELECT 1; SELECT 'x'")
	if succeeds("two results", err) {
		var number int
		var word string
		for sets.Next() {
			succeeds("the first", sets.Scan(&number))
		}
		check("there is a second", sets.NextResultSet(), true)
		sets.Next()
		succeeds("the second", sets.Scan(&word))
		check("two results", []any{number, word}, []any{1, "x"})
		sets.Close()
	}
}

func temporary(db *sql.DB) {
	tx, err := db.BeginTx(all, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if !succeeds("BEGIN", err) {
		return
	}
	defer tx.Rollback()
	_, err = tx.Exec("CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2), at timestamptz, tags text[]) ON COMMIT DROP")
	if !succeeds("CREATE TEMP TABLE", err) {
		return
	}
	copied, err := tx.Prepare(pq.CopyIn("kept", "id", "name", "price", "at", "tags"))
	if succeeds("COPY FROM", err) {
		at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
		for n := range 1000 {
			if _, err = copied.Exec(n, fmt.Sprint("w\t", n), "12.75", at, pq.Array([]string{"a", "b"})); err != nil {
				break
			}
		}
		succeeds("a row of COPY", err)
		_, err = copied.Exec()
		succeeds("the end of COPY", err)
		succeeds("close", copied.Close())
	}
	var count int
	var sum, word string
	if succeeds("copied", tx.QueryRow("SELECT count(*), sum(price)::text, max(name) FROM kept WHERE tags[2] = 'b'").Scan(&count, &sum, &word)) {
		check("copied", []any{count, sum, word}, []any{1000, "12750.00", "w\t999"})
	}
	_, err = tx.Exec("SAVEPOINT one")
	succeeds("SAVEPOINT", err)
	_, err = tx.Exec("INSERT INTO kept (id, name) VALUES ($1, $2)", 1, "again")
	check("a key twice", code(err), "23505")
	var found *pq.Error
	if errors.As(err, &found) {
		check("its parts", []string{found.Constraint, found.Table, found.Detail}, []string{"kept_pkey", "kept", "Key (id)=(1) already exists."})
	}
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT one")
	succeeds("ROLLBACK TO", err)
	result, err := tx.Exec("UPDATE kept SET name = $1 WHERE id < $2", "changed", 10)
	if succeeds("UPDATE", err) {
		changed, _ := result.RowsAffected()
		check("rows changed", changed, int64(10))
	}
	succeeds("COMMIT", tx.Commit())
	_, err = db.Exec("SELECT * FROM kept")
	check("gone with the transaction", code(err), "42P01")
}

func failures(db *sql.DB) {
	for text, wanted := range map[string]string{
		"SELEC 1": "42601", "SELECT * FROM nosuch": "42P01", "SELECT nosuch FROM eod": "42703", "SELECT nosuch(1)": "42883",
		"SELECT 1 / 0": "22012", "SELECT 'abc'::int": "22P02", "UPDATE eod SET close = 1": "25006",
	} {
		_, err := db.Exec(text)
		check(text, code(err), wanted)
	}
	_, err := db.Query("SELECT nosuch FROM eod WHERE symbol = $1", "SPY")
	var found *pq.Error
	if errors.As(err, &found) {
		check("parts of an error", []string{string(found.Severity), found.Position, found.Code.Name()}, []string{"ERROR", "8", "undefined_column"})
	}
	short, done := context.WithTimeout(all, 300*time.Millisecond)
	defer done()
	began := time.Now()
	_, err = db.ExecContext(short, "SELECT pg_sleep(30)")
	check("cancelled by a context", err != nil && time.Since(began) < 5*time.Second, true)
	if _, taken := err.(*pq.Error); taken {
		check("SQLSTATE of cancel", code(err), "57014")
	}
	one, err := db.Conn(all)
	if succeeds("a connection", err) {
		_, err = one.ExecContext(all, "SET statement_timeout = 200")
		succeeds("a limit", err)
		_, err = one.ExecContext(all, "SELECT pg_sleep(30)")
		check("out of time", code(err), "57014")
		_, err = one.ExecContext(all, "RESET statement_timeout")
		succeeds("no limit", err)
		_ = one.Close()
	}
	// A Listener would try again without end.
	listener, err := pq.NewListenerConn("sslmode=disable", make(chan *pq.Notification, 1))
	if succeeds("a connection that listens", err) {
		_, err = listener.Listen("news")
		check("LISTEN", code(err), "0A000")
		_ = listener.Close()
	}
}

func main() {
	for _, mode := range []string{"sslmode=disable", "sslmode=disable binary_parameters=yes application_name=binary"} {
		db, err := sql.Open("postgres", mode)
		if !succeeds("open", err) || !succeeds("ping", db.Ping()) {
			continue
		}
		db.SetMaxOpenConns(4)
		values(db, mode)
		parameters(db, mode)
		columns(db)
		temporary(db)
		failures(db)
		succeeds("close", db.Close())
	}
	report()
}
