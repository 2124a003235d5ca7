# Sequel's PostgreSQL adapter: its readers of the schema, datasets, prepared statements, cursors, COPY, errors, temporary tables.
#
# The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE.
require 'sequel'
require_relative 'checks'

DB = Sequel.connect(adapter: 'postgres', host: ENV['PGHOST'], port: ENV['PGPORT'].to_i, user: ENV['PGUSER'], database: ENV['PGDATABASE'], max_connections: 2)

Sequel.extension(:pg_array_ops)

part 'connection' do
  check 'test_connection', DB.test_connection, true
  check 'server_version', DB.server_version / 10_000, 16
  %i[pg_array pg_json pg_interval pg_range pg_row pg_inet].each { |name| part("extension #{name}") { DB.extension(name) } }
  check 'get', DB.get(Sequel.lit('1 + 1')), 2
end

part 'schema' do
  check 'tables', %i[eod symbols quotes] - DB.tables, []
  check 'views', DB.views.include?(:bars_latest), true
  check 'tables of a schema', DB.tables(schema: 'live').include?(:quotes), true
  check 'qualified', DB.tables(schema: 'live', qualify: true).first.class, Sequel::SQL::QualifiedIdentifier
  check 'table_exists?', [DB.table_exists?(:eod), DB.table_exists?(:nosuch)], [true, false]
  columns = DB.schema(:eod)
  check 'columns', columns.map(&:first), %i[symbol date open high low close volume open_interest source fetched_at]
  check 'types', columns.to_h.slice(:symbol, :date, :close, :volume, :fetched_at).values.map { |one| [one[:type], one[:db_type], one[:allow_null], one[:primary_key]] }, [
    [:string, 'text', false, true], [:date, 'date', false, true], [:float, 'double precision', true, false], [:integer, 'bigint', true, false], [:datetime, 'timestamp with time zone', false, false]
  ]
  check 'oid', columns.to_h[:close][:oid], 701
  check 'an array', DB.schema(:symbols).to_h[:lists].then { |one| [one[:db_type], one[:type]] }, ['text[]', :string_array]
  check 'primary_key', DB.primary_key(:symbols), 'symbol'
  check 'primary_key_sequence', DB.primary_key_sequence(:symbols), nil
  check 'indexes', DB.indexes(:eod), {}
  check 'foreign keys', DB.foreign_key_list(:eod), []
  check 'check constraints', DB.check_constraints(:eod), {}
  check 'locks', DB.locks.all.class, Array
end

part 'datasets' do
  bars = DB[:eod].where(symbol: 'AAPL')
  wanted = bars.count
  holds 'there are bars', wanted > 100
  check 'a condition', bars.where { date >= Date.new(2026, 1, 2) }.count, DB.fetch("SELECT count(*) AS n FROM eod WHERE symbol = ? AND date >= ?", 'AAPL', Date.new(2026, 1, 2)).single_value
  check 'a bar', bars.order(Sequel.desc(:date)).select(:date, :close, :volume, :open_interest, :fetched_at).first.values.map(&:class), [Date, Float, Integer, NilClass, Time]
  check 'select_map', DB[:symbols].where(symbol: %w[SPY AAPL nosuch]).order(:symbol).select_map(%i[symbol active]), [['AAPL', true], ['SPY', true]]
  check 'an array', DB[:symbols].where(symbol: 'SPY').get(:lists).to_a, ['etf']
  check 'an array that is given', DB[:symbols].where(symbol: Sequel.pg_array_op(Sequel.pg_array(%w[SPY AAPL], :text)).any).count, 2
  check 'group', DB[:eod].where(symbol: %w[AAPL SPY]).group_and_count(:symbol).order(:symbol).map { |one| [one[:symbol], one[:count].class] }, [['AAPL', Integer], ['SPY', Integer]]
  check 'join', DB[:eod].join(:symbols, symbol: :symbol).where(Sequel[:symbols][:symbol] => 'AAPL').count, wanted
  check 'distinct on', DB[:eod].where(symbol: %w[AAPL SPY]).distinct(:symbol).order(:symbol, Sequel.desc(:date)).select_map(:symbol), %w[AAPL SPY]
  check 'a window', bars.order(:date).select { [date, lag(:close).over(order: :date).as(:before)] }.limit(2).all.map { |one| one[:before].class }, [NilClass, Float]
  check 'with', DB[:w].with(:w, bars.select(:date)).count, wanted
  check 'lateral', DB[:symbols].where(Sequel[:symbols][:symbol] => 'SPY').cross_join(DB[:eod].where(symbol: Sequel[:symbols][:symbol]).limit(2).lateral).count, 2
  check 'ilike', DB[:symbols].where(Sequel.ilike(:symbol, 'aapl')).count, 1
  check 'values', DB.values([[1, 'a'], [2, nil]]).select_map(%i[column1 column2]), [[1, 'a'], [2, nil]]
  row = DB.fetch("SELECT interval '1 day 2 hours' AS span, '{\"a\": [1]}'::jsonb AS document, 12.5::numeric(10, 2) AS n, '\\x00ff'::bytea AS bytes, ARRAY[1, NULL] AS list, time '09:30' AS clock").first
  check 'values of types', [row[:span].parts, row[:document].to_h, row[:n], row[:bytes].to_s.bytes, row[:list].to_a, row[:clock].strftime('%H:%M')], [{ days: 1, seconds: 7200 }, { 'a' => [1] }, BigDecimal('12.5'), [0, 255], [1, nil], '09:30']
  holds 'explain', bars.explain.match?(/cost=.*rows=/)
  holds 'analyze', bars.analyze.match?(/actual time=|Execution Time/)
  check 'for_update', DB[:symbols].for_update.where(symbol: 'SPY').get(:symbol), 'SPY'
end

part 'models' do
  model = Class.new(Sequel::Model(:symbols))
  check 'primary key', model.primary_key, :symbol
  check 'a record', model['SPY'].then { |one| [one.symbol, one.active] }, ['SPY', true]
  check 'none', model['nosuch'], nil
  composite = Class.new(Sequel::Model(:eod))
  check 'of two columns', composite.primary_key, %i[symbol date]
end

part 'prepared' do
  prepared = DB[:eod].where(symbol: :$symbol).where { close > :$least }.prepare(:select, :bars)
  counts = 3.times.map { prepared.call(symbol: 'AAPL', least: 1.0).size }
  check 'again and again', counts.uniq, [DB[:eod].where(symbol: 'AAPL').count]
  check 'call', DB[:symbols].where(symbol: :$s).call(:first, s: 'SPY')[:symbol], 'SPY'
end

part 'many rows' do
  total = DB[:eod].count
  seen = 0
  DB[:eod].select(:symbol).use_cursor(rows_per_fetch: 50_000).each { seen += 1 }
  check 'use_cursor', seen, total
  seen = 0
  DB[:symbols].order(:symbol).paged_each(rows_per_fetch: 100) { seen += 1 }
  check 'paged_each', seen, DB[:symbols].count
  lines = 0
  DB.copy_table(DB[:eod].select(:symbol, :date), format: :csv, options: 'HEADER') { lines += 1 }
  check 'copy_table of a query', lines, total + 1
  check 'copy_table of a table', DB.copy_table(:symbols).lines.size, DB[:symbols].count
end

part 'transactions and errors' do
  fails('an unknown table', Sequel::DatabaseError) { DB[:nosuch].all }
  fails('its cause', PG::UndefinedTable) { DB[:nosuch].all }
  seen = DB.transaction(isolation: :repeatable) do
    begin
      DB.transaction(savepoint: true) { DB.get(Sequel.lit('1/0')) }
    rescue Sequel::DatabaseError
      'gone back'
    end.then { |said| [said, DB[:symbols].count > 100] }
  end
  check 'a savepoint', seen, ['gone back', true]
  check 'rolled back', DB.transaction(rollback: :always) { 5 }, 5
  check 'read only', DB.transaction(read_only: true) { DB.get(1) }, 1
  fails('a change', PG::ReadOnlySqlTransaction) { DB[:eod].where(symbol: 'AAPL').delete }
  fails('a timeout', PG::QueryCanceled) do
    DB.transaction do
      DB.run("SET LOCAL statement_timeout = '200ms'")
      DB.fetch('SELECT count(*) FROM generate_series(1, 100000000000)').all
    end
  end
end

part 'temporary tables' do
  DB.synchronize do
    DB.create_table(:taken, temp: true) do
      String :symbol, text: true, primary_key: true
      Date :day
      Float :price
      Integer :size, default: 7
      TrueClass :active
    end
    check 'schema', DB.schema(:taken).map { |name, one| [name, one[:db_type], one[:primary_key]] }, [
      [:symbol, 'text', true], [:day, 'date', false], [:price, 'double precision', false], [:size, 'integer', false], [:active, 'boolean', false]
    ]
    check 'default', DB.schema(:taken).to_h[:size][:ruby_default], 7
    check 'multi_insert', DB[:taken].multi_insert([{ symbol: 'AAPL', price: 1.5 }, { symbol: 'SPY', price: nil }]).class, Array
    DB[:taken].import(%i[symbol day], [['MSFT', Date.new(2026, 1, 2)]])
    DB.copy_into(:taken, columns: %i[symbol price active], data: ["X\t2.5\tt\n"])
    check 'rows', DB[:taken].order(:symbol).select_map(%i[symbol price size active]), [['AAPL', 1.5, 7, nil], ['MSFT', nil, 7, nil], ['SPY', nil, 7, nil], ['X', 2.5, 7, true]]
    check 'update', DB[:taken].where(price: nil).update(price: 0), 2
    check 'delete', DB[:taken].where(symbol: 'X').delete, 1
    fails('a key twice', Sequel::UniqueConstraintViolation) { DB[:taken].import(%i[symbol], [['SPY']]) }
    part('insert, which asks for the key') { check 'insert', DB[:taken].insert(symbol: 'Y'), 'Y' }
    DB[:taken].truncate
    check 'truncate', DB[:taken].count, 0
    DB.create_table(:later, temp: true, as: DB[:symbols].select(:symbol, :type))
    check 'create_table as', DB[:later].count, DB[:symbols].count
    DB.create_view(:seen, DB[:later].where(type: 'equity'), temp: true)
    check 'a view', DB[:seen].count, DB[:symbols].where(type: 'equity').count
    DB.drop_view(:seen)
    DB.drop_table(:taken, :later)
  end
end

DB.disconnect
finish 'sequel'
