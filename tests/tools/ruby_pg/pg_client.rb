# Ruby's pg: type maps, parameters, COPY, single rows, pipelines, cancel, errors and temporary tables.
#
# The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE.
require 'bigdecimal'
require 'pg'
require_relative 'checks'

db = PG.connect
types = <<~SQL
  SELECT true AS b, 1::smallint AS s, 2::int AS i, 9223372036854775807::bigint AS l, 1.5::real AS r, 0.1::float8 AS d, 12.50::numeric(10, 2) AS n,
      'é ''x''' AS t, date '2026-11-20' AS day, timestamp '2026-11-20 09:30:00.25' AS local, timestamptz '2026-11-20 09:30:00-05' AS instant,
      ARRAY['a', NULL, 'b"c'] AS texts, ARRAY[1, NULL]::int[] AS integers, '\\x00ff10'::bytea AS bytes, '{"a": [1]}'::jsonb AS document, NULL::float8 AS nothing
SQL

part 'connection' do
  check 'server_version', db.server_version / 10_000, 16
  check 'status', [db.status, db.transaction_status], [PG::CONNECTION_OK, PG::PQTRANS_IDLE]
  check 'encoding', [db.internal_encoding, db.get_client_encoding], [Encoding::UTF_8, 'UTF8']
  check 'ping', PG::Connection.ping, PG::Connection::PQPING_OK
  check 'pid', db.backend_pid, db.exec('SELECT pg_backend_pid()').getvalue(0, 0).to_i
  check 'parameters', %w[server_encoding standard_conforming_strings integer_datetimes].map { |name| db.parameter_status(name) }, %w[UTF8 on on]
  check 'quoted', db.exec("SELECT #{db.escape_literal("it's \\ é")}").getvalue(0, 0), "it's \\ é"
  db.type_map_for_results = PG::TypeMapAllStrings.new
  check 'no notification', db.wait_for_notify(0.01), nil
end

part 'BasicTypeMapForResults' do
  registry = PG::BasicTypeRegistry.new.register_default_types
  coders = PG::BasicTypeRegistry::CoderMapsBundle.new(db, registry: registry)
  db.type_map_for_results = PG::BasicTypeMapForResults.new(coders)
  row = db.exec(types).first
  instant = Time.utc(2026, 11, 20, 14, 30)
  wanted = {
    'b' => true, 's' => 1, 'i' => 2, 'l' => 2**63 - 1, 'r' => 1.5, 'd' => 0.1, 'n' => BigDecimal('12.5'), 't' => "é 'x'", 'day' => Date.new(2026, 11, 20),
    'texts' => ['a', nil, 'b"c'], 'integers' => [1, nil], 'bytes' => "\x00\xff\x10".b, 'document' => { 'a' => [1] }, 'nothing' => nil
  }
  wanted.each { |name, value| check("text #{name}", row[name], value) }
  check 'text instant', row['instant'].utc, instant
  check 'text local', row['local'].strftime('%F %T.%L'), '2026-11-20 09:30:00.250'
  plain = "SELECT true AS b, 1::smallint AS s, 2::int AS i, 9223372036854775807::bigint AS l, 1.5::real AS r, 0.1::float8 AS d, 'é ''x''' AS t, " \
          "timestamptz '2026-11-20 09:30:00-05' AS instant, '\\x00ff10'::bytea AS bytes, NULL::float8 AS nothing"
  binary = db.exec_params(plain, [], 1).first
  # The map has binary decoders of few types.
  wanted.slice('b', 's', 'i', 'l', 'r', 'd', 't', 'bytes', 'nothing').each { |name, value| check("binary #{name}", binary[name], value) }
  check 'binary instant', binary['instant'].utc, instant
  check 'types', db.exec(types).then { |r| r.fields.each_index.map { |i| r.ftype(i) } }, [16, 21, 23, 20, 700, 701, 1700, 25, 1082, 1114, 1184, 1009, 1007, 17, 3802, 701]
  # An address of a network has a decoder by its type, which the registry looks up.
  names = db.exec("SELECT typname FROM pg_type WHERE typname IN ('inet', 'cidr', 'macaddr') ORDER BY 1").column_values(0)
  check 'types of addresses', names, %w[cidr inet macaddr]
end

part 'BasicTypeMapBasedOnResult' do
  db.exec('CREATE TEMP TABLE based (symbol text, day date, price float8, size bigint)')
  map = PG::BasicTypeMapBasedOnResult.new(db)
  result = db.exec('SELECT symbol, price, size FROM based LIMIT 0')
  encoders = map.build_column_map(result)
  db.exec_params('INSERT INTO based (symbol, price, size) VALUES ($1, $2, $3)', ['A', 1.5, 7], 0, encoders)
  check 'its row', db.exec('SELECT symbol, price, size FROM based').values, [['A', 1.5, 7]]
  db.exec('DROP TABLE based')
end

part 'BasicTypeMapForQueries' do
  # An encoder of every class it knows, IPAddr among them.
  db.type_map_for_queries = PG::BasicTypeMapForQueries.new(db)
  check 'a number', db.exec_params('SELECT $1::int', [7]).getvalue(0, 0), 7
end

part 'parameters' do
  queries = PG::BasicTypeMapForQueries.new(db, if_undefined: proc { nil })
  wanted = db.exec("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1").getvalue(0, 0)
  holds 'there are bars', wanted > 100
  sql = 'SELECT count(*) FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3'
  db.type_map_for_queries = queries
  check 'typed', db.exec_params(sql, ['AAPL', Date.new(2026, 1, 2), 1.0]).getvalue(0, 0), wanted
  check 'values', db.exec_params('SELECT $1::int, $2::float8, $3::boolean, $4::text', [7, 1.5, true, nil]).values, [[7, 1.5, true, nil]]
  check 'a list', db.exec_params('SELECT symbol FROM symbols WHERE symbol = ANY($1) ORDER BY symbol', [%w[AAPL MSFT nosuch]]).column_values(0), %w[AAPL MSFT]
  check 'integers', db.exec_params('SELECT $1::int8[]', [[1, nil, 3]]).getvalue(0, 0), [1, nil, 3]
  check 'a numeric', db.exec_params('SELECT $1::numeric', [BigDecimal('12.75')]).getvalue(0, 0), BigDecimal('12.75')
  instant = Time.utc(2026, 11, 20, 14, 30, 0, 123_456)
  check 'an instant', db.exec_params("SELECT $1::timestamptz = timestamptz '2026-11-20 14:30:00.123456+00'", [instant]).getvalue(0, 0), true
  check 'nested arrays', db.exec_params('SELECT $1::int8[]', [[[1, 2], [3, 4]]]).getvalue(0, 0), [[1, 2], [3, 4]]
ensure
  db.type_map_for_queries = PG::TypeMapAllStrings.new
end

part 'prepared' do
  db.prepare('bars', 'SELECT count(*) FROM eod WHERE symbol = $1 AND close > $2::float8')
  described = db.describe_prepared('bars')
  check 'parameters', [described.nparams, described.paramtype(0), described.paramtype(1), described.ftype(0)], [2, 25, 701, 20]
  counts = 3.times.map { db.exec_prepared('bars', ['AAPL', '1']).getvalue(0, 0) }
  check 'again and again', counts.uniq.size, 1
  check 'binary', db.exec_prepared('bars', [{ value: 'AAPL' }, { value: [1.0].pack('G'), format: 1 }], 1).getvalue(0, 0), counts[0]
  fails('a name twice', PG::DuplicatePstatement) { db.prepare('bars', 'SELECT 1') }
  db.exec('DEALLOCATE bars')
  fails('gone', PG::InvalidSqlStatementName) { db.exec_prepared('bars', %w[AAPL 1]) }
end

part 'columns of tables' do
  result = db.exec('SELECT symbol, close, 1 AS one FROM eod LIMIT 1')
  table = db.exec("SELECT 'eod'::regclass::oid").getvalue(0, 0)
  check 'ftable', [result.ftable(0), result.ftable(1)], [table, table]
  check 'ftablecol', [result.ftablecol(0), result.ftablecol(1)], [1, 6]
  fmod = db.exec("SELECT 12.5::numeric(10, 2), 1").fmod(0)
  check 'fmod of numeric(10, 2)', fmod, (10 << 16 | 2) + 4
  check 'fsize', [result.fsize(0), result.fsize(1)], [-1, 8]
end

part 'rows' do
  total = db.exec('SELECT count(*) FROM eod').getvalue(0, 0)
  seen = 0
  last = ''
  db.send_query('SELECT symbol, date::text FROM eod ORDER BY symbol, date')
  db.set_single_row_mode
  db.get_result.stream_each_row do |symbol, date|
    seen += 1
    key = "#{symbol} #{date}"
    raise "#{key} after #{last}" if key < last

    last = key
  end
  check 'stream_each_row', seen, total
  db.get_result
  db.transaction do
    db.exec('DECLARE bars CURSOR FOR SELECT symbol FROM eod')
    seen = 0
    until (page = db.exec('FETCH 50000 FROM bars')).ntuples.zero?
      seen += page.ntuples
    end
  end
  check 'rows of a cursor', seen, total
  # Rows of an endless statement come while it runs.
  db.send_query('SELECT symbol, bid, ask FROM live.quotes')
  db.set_single_row_mode
  three = 3.times.map { db.get_result.values[0] }
  check 'an endless statement', three.map { |symbol, bid, ask| !symbol.empty? && bid <= ask }.uniq, [true]
  db.cancel
  db.discard_results
  check 'after it', db.exec('SELECT 1').getvalue(0, 0), 1
end

part 'COPY' do
  sql = "SELECT symbol, date, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3"
  lines = []
  db.copy_data("COPY (#{sql}) TO STDOUT", PG::TextDecoder::CopyRow.new) do
    while (row = db.get_copy_data)
      lines << row
    end
  end
  check 'text', lines.map { |s, d, c| [s, Date.parse(d), c.to_f] }, db.exec(sql).values
  db.exec('CREATE TEMP TABLE taken (symbol text, day date, price float8, size bigint)')
  db.copy_data('COPY taken FROM STDIN', PG::TextEncoder::CopyRow.new) do
    db.put_copy_data(['A', '2026-01-02', '1.5', '7'])
    db.put_copy_data(["B\t\\", nil, nil, nil])
  end
  check 'rows that were put', db.exec('SELECT * FROM taken ORDER BY symbol').values, [['A', Date.new(2026, 1, 2), 1.5, 7], ["B\t\\", nil, nil, nil]]
  fails('a bad row', PG::InvalidDatetimeFormat) { db.copy_data('COPY taken FROM STDIN') { db.put_copy_data("D\tno date\t1\t1\n") } }
  fails('given up', ArgumentError) { db.copy_data('COPY taken FROM STDIN') { db.put_copy_data("E\t\\N\t1\t1\n"); raise ArgumentError } }
  check 'nothing of them is kept', db.exec("SELECT count(*) FROM taken WHERE symbol IN ('D', 'E')").getvalue(0, 0), 0
  fails('left early', PG::NotAllCopyDataRetrieved) { db.copy_data('COPY eod TO STDOUT') { db.get_copy_data } }
  check 'after it', db.exec('SELECT 1').getvalue(0, 0), 1
  db.exec('DROP TABLE taken')
end

part 'pipeline' do
  db.enter_pipeline_mode
  10.times { |number| db.send_query_params('SELECT $1::int', [number.to_s]) }
  db.pipeline_sync
  got = 10.times.map { db.get_result.getvalue(0, 0).tap { db.get_result } }
  check 'in order', got, (0..9).to_a
  check 'synchronised', db.get_result.result_status, PG::PGRES_PIPELINE_SYNC
  # After an error the rest is passed over, until the next sync.
  db.send_query_params('SELECT nosuch', [])
  db.send_query_params('SELECT 1', [])
  db.pipeline_sync
  states = []
  2.times do
    result = begin
      db.get_last_result
    rescue PG::Error => e
      e.result
    end
    states << [result.result_status, result.error_field(PG::PG_DIAG_SQLSTATE)]
  end
  check 'after an error', states[0], [PG::PGRES_FATAL_ERROR, '42703']
  check 'passed over', states[1][0], PG::PGRES_PIPELINE_ABORTED
  db.get_result while db.pipeline_status == PG::PQ_PIPELINE_ABORTED
  db.discard_results
  db.exit_pipeline_mode
  check 'after the pipeline', db.exec('SELECT 1').getvalue(0, 0), 1
end

part 'cancel' do
  watcher = PG.connect
  db.send_query('SELECT count(*) FROM generate_series(1, 100000000000)')
  active = "SELECT 1 FROM pg_stat_activity WHERE pid = #{db.backend_pid} AND state = 'active'"
  sleep 0.01 until watcher.exec(active).ntuples == 1
  watcher.close
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  check 'no message', db.cancel, nil
  fails('cancelled', PG::QueryCanceled) { db.get_last_result }
  holds 'soon', Process.clock_gettime(Process::CLOCK_MONOTONIC) - began < 5
  db.exec("SET statement_timeout = '200ms'")
  fails('a timeout', PG::QueryCanceled) { db.exec('SELECT count(*) FROM generate_series(1, 100000000000)') }
  db.exec('RESET statement_timeout')
end

part 'errors' do
  {
    'SELEC 1' => PG::SyntaxError, 'SELECT * FROM nosuch' => PG::UndefinedTable, 'SELECT nosuch FROM eod' => PG::UndefinedColumn,
    'SELECT nosuch(1)' => PG::UndefinedFunction, "SELECT 'abc'::int" => PG::InvalidTextRepresentation, 'SELECT 1/0' => PG::DivisionByZero,
    "SELECT date 'x'" => PG::InvalidDatetimeFormat, 'DELETE FROM eod' => PG::ReadOnlySqlTransaction, "COPY (SELECT 1) TO '/tmp/stolen'" => PG::InsufficientPrivilege
  }.each { |sql, error| fails(sql, error) { db.exec(sql) } }
  begin
    db.exec('SELECT nosuch FROM eod')
  rescue PG::Error => e
    fields = [PG::PG_DIAG_SEVERITY, PG::PG_DIAG_MESSAGE_PRIMARY, PG::PG_DIAG_STATEMENT_POSITION].map { |field| e.result.error_field(field) }
    check 'fields', fields, ['ERROR', 'column "nosuch" does not exist', '8']
  end
  begin
    db.transaction { db.exec('SELECT nosuch') }
  rescue PG::UndefinedColumn
    check 'transaction() rolls back', db.transaction_status, PG::PQTRANS_IDLE
  end
  notices = []
  db.set_notice_processor { |notice| notices << notice }
  db.exec('DROP TABLE IF EXISTS nosuch')
  check 'a notice', notices, ["NOTICE:  table \"nosuch\" does not exist, skipping\n"]
end

part 'temporary tables' do
  db.exec('CREATE TEMP TABLE taken (id int PRIMARY KEY, note text)')
  check 'cmd_tuples', db.exec("INSERT INTO taken VALUES (1, 'a'), (2, NULL)").cmd_tuples, 2
  check 'cmd_status', db.exec_params('UPDATE taken SET note = $1 WHERE note IS NULL', ['b']).cmd_status, 'UPDATE 1'
  fails('a key twice', PG::UniqueViolation) { db.exec("INSERT INTO taken VALUES (1, 'c')") }
  begin
    db.exec("INSERT INTO taken VALUES (1, 'c')")
  rescue PG::UniqueViolation => e
    fields = [PG::PG_DIAG_TABLE_NAME, PG::PG_DIAG_CONSTRAINT_NAME, PG::PG_DIAG_MESSAGE_DETAIL].map { |field| e.result.error_field(field) }
    check 'what it names', fields, ['taken', 'taken_pkey', 'Key (id)=(1) already exists.']
  end
  check 'rows', db.exec('SELECT * FROM taken ORDER BY id').values, [[1, 'a'], [2, 'b']]
  db.reset
  fails('gone with the session', PG::UndefinedTable) { db.exec('SELECT * FROM taken') }
end

db.close
finish 'pg'
