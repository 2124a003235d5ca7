# ActiveRecord's PostgreSQL adapter: its readers of the schema, models, prepared statements on and off, batches, transactions.
#
# The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE.
require 'active_record'
require_relative 'checks'

class Bar < ActiveRecord::Base
  self.table_name = 'eod'
  self.primary_key = 'symbol'
  belongs_to :listed, class_name: 'Listed', foreign_key: 'symbol', primary_key: 'symbol'
end

class Listed < ActiveRecord::Base
  self.table_name = 'symbols'
  self.primary_key = 'symbol'
  self.inheritance_column = nil
  has_many :bars, foreign_key: 'symbol', primary_key: 'symbol'
end

class LiveQuote < ActiveRecord::Base
  self.table_name = 'live.quotes'
end

class Latest < ActiveRecord::Base
  self.table_name = 'bars_latest'
end

class Taken < ActiveRecord::Base
  self.table_name = 'taken'
end

[true, false].each do |prepared|
  mode = "prepared_statements=#{prepared}"
  db = nil
  part "connection, #{mode}" do
    # Its first statements are settings, of `intervalstyle` among them.
    ActiveRecord::Base.establish_connection(
      adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'].to_i, username: ENV['PGUSER'], database: ENV['PGDATABASE'], prepared_statements: prepared
    )
    db = ActiveRecord::Base.connection
    check "active, #{mode}", db.active?, true
    check "version, #{mode}", db.database_version / 10_000, 16
    check "database, #{mode}", [db.current_database, db.encoding], [ENV['PGDATABASE'], 'UTF8']
    check "prepared, #{mode}", db.prepared_statements, prepared
    check "extensions, #{mode}", db.extensions.class, Array
    check "schemas, #{mode}", %w[public live system] - db.schema_names, []
    check "search_path, #{mode}", db.schema_search_path.include?('public'), true
  end

  part "schema, #{mode}" do
    check "tables, #{mode}", %w[eod symbols quotes option_chains] - db.tables, []
    check "no view among tables, #{mode}", db.tables.include?('bars_latest'), false
    check "views, #{mode}", db.views.include?('bars_latest'), true
    check "data sources, #{mode}", (%w[eod bars_latest] - db.data_sources), []
    check "there and not there, #{mode}", [db.table_exists?('eod'), db.table_exists?('live.quotes'), db.table_exists?('nosuch'), db.view_exists?('bars_latest')], [true, true, false, true]
    columns = db.columns('eod').to_h { |one| [one.name, one] }
    check "names, #{mode}", columns.keys, %w[symbol date open high low close volume open_interest source fetched_at]
    check "types, #{mode}", columns.slice('symbol', 'date', 'close', 'volume', 'fetched_at').values.map(&:type), [:text, :date, :float, :integer, :datetime]
    check "sql types, #{mode}", columns.slice('close', 'volume').values.map(&:sql_type), ['double precision', 'bigint']
    check "null, #{mode}", columns.slice('symbol', 'close').values.map(&:null), [false, true]
    check "default, #{mode}", columns['close'].default, nil
    check "an array, #{mode}", db.columns('symbols').find { |one| one.name == 'lists' }.then { |one| [one.type, one.array] }, [:text, true]
    check "a comment, #{mode}", columns['close'].comment.to_s.empty?, false
    # Subscripts of an int2vector, which begin at 0.
    check "primary keys, #{mode}", [db.primary_keys('eod'), db.primary_keys('symbols'), db.primary_keys('bars_latest')], [%w[symbol date], %w[symbol], []]
    check "indexes, #{mode}", db.indexes('eod'), []
    check "foreign keys, #{mode}", db.foreign_keys('eod'), []
    check "check constraints, #{mode}", db.check_constraints('eod'), []
    check "table options, #{mode}", db.table_options('eod').class, Hash if db.table_comment('eod')
  end

  part "models, #{mode}" do
    wanted = db.select_value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02'")
    check "count, #{mode}", Bar.where(symbol: 'AAPL').where('date >= ?', Date.new(2026, 1, 2)).count, wanted
    check "a range, #{mode}", Bar.where(symbol: 'AAPL', date: Date.new(2026, 1, 2)..).count, wanted
    3.times { check "again, #{mode}", Bar.where(symbol: 'AAPL', date: Date.new(2026, 1, 2)..Date.new(2030, 1, 1)).count, wanted }
    check "pluck, #{mode}", Listed.where(symbol: %w[SPY AAPL nosuch]).order(:symbol).pluck(:symbol, :active, :lists).map { |s, a, l| [s, a, l.class] }, [['AAPL', true, Array], ['SPY', true, Array]]
    spy = Listed.find('SPY')
    check "find, #{mode}", [spy.lists, spy.active, spy.fetched_at.class], [['etf'], true, Time]
    fails("find nothing, #{mode}", ActiveRecord::RecordNotFound) { Listed.find('nosuch') }
    check "find_by, #{mode}", Listed.find_by(symbol: 'nosuch'), nil
    check "exists?, #{mode}", [Listed.exists?('SPY'), Listed.exists?('nosuch')], [true, false]
    bar = Bar.where(symbol: 'AAPL').order(date: :desc).first
    check "a bar, #{mode}", [bar.date, bar.close, bar.volume, bar.open_interest].map(&:class), [Date, Float, Integer, NilClass]
    check "a type with a condition on NULL, #{mode}", Bar.where(symbol: 'AAPL', open_interest: nil).limit(2).offset(1).to_a.size, 2
    grouped = Bar.where(symbol: %w[AAPL SPY]).group(:symbol).order(:symbol).maximum(:date)
    check "group, #{mode}", grouped.transform_values(&:class), { 'AAPL' => Date, 'SPY' => Date }
    check "having, #{mode}", Bar.group(:symbol).having('count(*) > ?', 100).count.size > 100, true
    check "sum, #{mode}", Bar.where(symbol: 'AAPL').sum(:volume).class, Integer
    joined = Bar.joins(:listed).where(symbols: { symbol: 'AAPL' }).count
    check "joins, #{mode}", joined, Bar.where(symbol: 'AAPL').count
    included = Listed.includes(:bars).where(symbol: %w[AAPL SPY]).order(:symbol).map { |one| [one.symbol, one.bars.size > 100] }
    check "includes, #{mode}", included, [['AAPL', true], ['SPY', true]]
    loaded = Bar.eager_load(:listed).where(symbol: 'AAPL').order(:date).first
    check "eager_load, #{mode}", [loaded.symbol, loaded.listed.active], ['AAPL', true]
    check "merge and or, #{mode}", Listed.where(symbol: 'AAPL').or(Listed.where(symbol: 'SPY')).count, 2
    check "not and distinct, #{mode}", Listed.where.not(type: nil).distinct.pluck(:type).include?('equity'), true
    check "an array holds, #{mode}", Listed.where('? = ANY(lists)', 'dow30').count > 20, true
    check "a view, #{mode}", Latest.where(symbol: 'AAPL').pick(:close).class, Float
    check "a schema, #{mode}", LiveQuote.columns.map(&:name).first(2), %w[symbol bid] if LiveQuote.table_exists?
    check "a subquery, #{mode}", Bar.where(symbol: Listed.where(symbol: 'AAPL').select(:symbol)).count, joined
    check "lock, #{mode}", Listed.lock.find('SPY').symbol, 'SPY'
    check "rows of exec_query, #{mode}", db.exec_query("SELECT 1 AS one, 12.5::numeric(10, 2) AS n, ARRAY[1, 2] AS list, date '2026-01-02' AS day, interval '1 day' AS span").cast_values, [[1, BigDecimal('12.5'), [1, 2], Date.new(2026, 1, 2), 1.day]]
  end

  part "batches, #{mode}" do
    check "find_each, #{mode}", Listed.find_each(batch_size: 100).map(&:symbol).size, Listed.count
    check "in_batches, #{mode}", Listed.in_batches(of: 200).map { |batch| batch.pluck(:symbol).size }.sum, Listed.count
  end

  part "explain, #{mode}" do
    plan = Bar.where(symbol: 'AAPL').explain
    holds "explain, #{mode}", plan.include?('EXPLAIN for: SELECT') && plan.match?(/cost=.*rows=/)
    holds "its text, #{mode}", plan.include?('QUERY PLAN')
  end

  part "transactions and errors, #{mode}" do
    fails("inside, #{mode}", ActiveRecord::StatementInvalid) { Bar.transaction { db.select_value('SELECT nosuch') } }
    fails("its cause, #{mode}", PG::UndefinedColumn) { db.select_value('SELECT nosuch') }
    inner = Bar.transaction do
      begin
        Bar.transaction(requires_new: true) { db.select_value('SELECT 1/0') }
      rescue ActiveRecord::StatementInvalid
        'gone back'
      end.then { |said| [said, Listed.count > 100] }
    end
    check "a savepoint, #{mode}", inner, ['gone back', true]
    check "an isolation, #{mode}", Bar.transaction(isolation: :repeatable_read) { Listed.exists?('SPY') }, true
    fails("a change, #{mode}", PG::ReadOnlySqlTransaction) { Listed.where(symbol: 'SPY').update_all(active: false) }
    fails("a timeout, #{mode}", ActiveRecord::QueryCanceled) do
      Bar.transaction do
        db.execute("SET LOCAL statement_timeout = '200ms'")
        db.select_value('SELECT count(*) FROM generate_series(1, 100000000000)')
      end
    end
    check "after it, #{mode}", db.select_value('SELECT 1'), 1
  end

  part "a primary key that is found, #{mode}" do
    found = Class.new(ActiveRecord::Base) { self.table_name = 'symbols' }
    check "the key, #{mode}", found.primary_key, 'symbol'
  end

  part "temporary tables, #{mode}" do
    db.execute('CREATE TEMP TABLE taken (id bigint PRIMARY KEY, symbol text NOT NULL, price double precision, day date)')
    Taken.reset_column_information
    check "columns, #{mode}", Taken.columns.map { |one| [one.name, one.type, one.limit] }, [['id', :integer, 8], ['symbol', :text, nil], ['price', :float, nil], ['day', :date, nil]]
    check "primary key, #{mode}", db.primary_keys('taken'), ['id']
    check "insert, #{mode}", db.exec_insert("INSERT INTO taken (id, symbol, price) VALUES (1, 'AAPL', 1.5), (2, 'SPY', NULL)").class, ActiveRecord::Result
    check "update_all, #{mode}", Taken.where(price: nil).update_all(price: 2.5), 1
    check "rows, #{mode}", Taken.order(:symbol).pluck(:symbol, :price), [['AAPL', 1.5], ['SPY', 2.5]]
    check "delete_all, #{mode}", Taken.where(symbol: 'SPY').delete_all, 1
    db.execute('DROP TABLE taken')
    # create_table(temporary: true) without a serial key.
    db.create_table(:watched, temporary: true, id: false) do |table|
      table.text :symbol, null: false
      table.float :top
      table.datetime :seen_at
      table.boolean :active, default: true
      table.decimal :price, precision: 10, scale: 2
    end
    check "create_table, #{mode}", db.columns('watched').map { |one| [one.name, one.sql_type, one.null] }, [
      ['symbol', 'text', false], ['top', 'double precision', true], ['seen_at', 'timestamp without time zone', true], ['active', 'boolean', true], ['price', 'numeric(10,2)', true]
    ]
    check "default, #{mode}", db.columns('watched')[3].default, 'true'
    db.drop_table(:watched)
    ActiveRecord::Base.connection.reset!
    check "after reset!, #{mode}", db.select_value('SELECT 1'), 1
  end
  ActiveRecord::Base.remove_connection
end

finish 'active_record'
