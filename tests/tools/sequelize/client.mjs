// Sequelize as its users write it.

import { DataTypes, Op, QueryTypes, Sequelize, Transaction } from 'sequelize'
import { check, fails, run, server } from '../lib/checks.mjs'

const db = new Sequelize(server.database, server.user, '', { host: server.host, port: server.port, dialect: 'postgres', logging: false, pool: { max: 3 } })
const plain = { timestamps: false, freezeTableName: true }
const Eod = db.define('eod', {
  symbol: { type: DataTypes.TEXT, primaryKey: true },
  date: { type: DataTypes.DATEONLY, primaryKey: true },
  close: DataTypes.DOUBLE,
  volume: DataTypes.BIGINT,
  openInterest: { type: DataTypes.BIGINT, field: 'open_interest' },
  fetchedAt: { type: DataTypes.DATE, field: 'fetched_at' },
}, plain)
const Symbol = db.define('symbols', { symbol: { type: DataTypes.TEXT, primaryKey: true }, lists: DataTypes.ARRAY(DataTypes.TEXT), active: DataTypes.BOOLEAN }, plain)
Symbol.hasMany(Eod, { foreignKey: 'symbol', as: 'bars', constraints: false })
const Kept = db.define('kept', { id: { type: DataTypes.INTEGER, primaryKey: true }, name: { type: DataTypes.STRING(20), allowNull: false }, price: DataTypes.DECIMAL(10, 2), at: DataTypes.DATE }, plain)

const parts = {
  async description() {
    await db.authenticate()
    check('the version', (await db.databaseVersion()).split('.')[0], '16')
    const query = db.getQueryInterface()
    const tables = (await query.showAllTables()).map((one) => one.tableName ?? one)
    check('tables', ['eod', 'option_chains', 'symbols'].filter((one) => tables.includes(one)), ['eod', 'option_chains', 'symbols'])
    const eod = await query.describeTable('eod')
    check('columns of eod', ['symbol', 'date', 'close', 'volume', 'fetched_at'].map((name) => [name, eod[name]?.type, eod[name]?.allowNull, eod[name]?.primaryKey]), [['symbol', 'TEXT', false, true], ['date', 'DATE', false, true], ['close', 'DOUBLE PRECISION', true, false], ['volume', 'BIGINT', true, false], ['fetched_at', 'TIMESTAMP WITH TIME ZONE', false, false]])
    check('an array', (await query.describeTable('symbols')).lists.type, 'ARRAY')
    const indexes = await query.showIndex('eod')
    check('indexes', indexes.map((one) => [one.name, one.primary, one.unique, one.fields.map((field) => field.attribute)]), [['eod_pkey', true, true, ['symbol', 'date']]])
    check('constraints', (await query.showConstraint('eod')).map((one) => [one.constraintName, one.constraintType]).filter(([, type]) => type === 'PRIMARY KEY').length > 0, true)
    check('a table is there', [await query.tableExists('eod'), await query.tableExists('nosuch')], [true, false])
    check('schemas', (await query.showAllSchemas()).map((one) => one.schema_name ?? one).includes('live'), true)
  },

  // A model over a table that is there has nothing to create.
  async sync() {
    await Eod.sync()
    const Fresh = db.define('fresh', { id: { type: DataTypes.INTEGER, primaryKey: true } }, plain)
    await fails('a table that is not there', Fresh.sync(), '25006')
    await fails('sync with alter', Eod.sync({ alter: true }), '25006')
    await fails('sync with force', Eod.sync({ force: true }), '25006')
  },

  async selects() {
    const found = await Eod.findAll({ where: { symbol: 'AAPL', date: { [Op.gte]: '2026-01-02' }, openInterest: null }, order: [['date', 'ASC']], limit: 3, raw: true })
    check('bars', found.map((row) => [row.symbol, row.date, typeof row.close, typeof row.volume, row.openInterest, row.fetchedAt instanceof Date]), ['2026-01-02', '2026-01-05', '2026-01-06'].map((day) => ['AAPL', day, 'number', 'string', null, true]))
    const { rows, count } = await Eod.findAndCountAll({ where: { symbol: 'SPY' }, order: [['date', 'DESC']], offset: 5, limit: 5 })
    check('a page', [rows.length, count > 100], [5, true])
    check('a list', (await Symbol.findAll({ where: { symbol: ['SPY', 'AAPL', 'nosuch'] }, order: ['symbol'] })).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('an array', (await Symbol.findByPk('SPY')).lists, ['etf'])
    check('arrays that contain', await Symbol.count({ where: { symbol: 'SPY', lists: { [Op.contains]: ['etf'] } } }), 1)
    check('arrays that overlap', await Symbol.count({ where: { symbol: 'SPY', lists: { [Op.overlap]: ['etf', 'x'] } } }), 1)
    check('patterns', (await Symbol.findAll({ where: { symbol: { [Op.iLike]: 'sp_' } } })).map((row) => row.symbol).includes('SPY'), true)
    const sums = await Eod.findAll({ attributes: ['symbol', [db.fn('COUNT', db.col('*')), 'n'], [db.fn('AVG', db.col('close')), 'mean']], where: { symbol: ['SPY', 'AAPL'] }, group: ['symbol'], having: db.where(db.fn('COUNT', db.col('*')), Op.gt, 10), order: ['symbol'], raw: true })
    check('sums', sums.map((row) => [row.symbol, typeof row.n, typeof row.mean]), [['AAPL', 'string', 'number'], ['SPY', 'string', 'number']])
    const joined = await Symbol.findOne({ where: { symbol: 'SPY' }, include: [{ model: Eod, as: 'bars', where: { date: { [Op.between]: ['2026-01-05', '2026-01-09'] } } }], order: [['bars', 'date', 'ASC']] })
    check('a relation', joined?.bars.map((row) => row.date), ['2026-01-05', '2026-01-06', '2026-01-07', '2026-01-08', '2026-01-09'])
    const apart = await Symbol.findAll({ where: { symbol: ['SPY', 'AAPL'] }, include: [{ model: Eod, as: 'bars', separate: true, limit: 2, order: [['date', 'DESC']] }], order: ['symbol'] })
    check('rows of each', apart.map((row) => [row.symbol, row.bars.length]), [['AAPL', 2], ['SPY', 2]])
    check('bound values', await db.query('SELECT $1::int AS n, $2::text AS word', { bind: [7, "it's"], type: QueryTypes.SELECT }), [{ n: 7, word: "it's" }])
    check('replaced values', await db.query('SELECT count(*)::int AS n FROM symbols WHERE symbol IN (:symbols)', { replacements: { symbols: ['SPY', 'AAPL'] }, type: QueryTypes.SELECT }), [{ n: 2 }])
    check('the greatest', (await Eod.max('close', { where: { symbol: 'SPY' } })) > 0, true)
  },

  async transactions() {
    await db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ }, async (transaction) => {
      await db.query('CREATE TEMP TABLE kept (id int PRIMARY KEY, name varchar(20) NOT NULL, price numeric(10, 2), at timestamptz) ON COMMIT DROP', { transaction })
      // What is inserted is not given back: the server has no RETURNING.
      await Kept.bulkCreate([{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'two' }], { transaction, returning: false })
      await fails('a key twice', db.transaction({ transaction }, (inner) => Kept.create({ id: 1, name: 'again' }, { transaction: inner, returning: false })), '23505')
      check('rows changed', await Kept.update({ name: 'TWO' }, { where: { id: 2 }, transaction }), [1])
      check('rows', await Kept.findAll({ order: ['id'], raw: true, transaction }), [{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'TWO', price: null, at: null }])
      check('rows deleted', await Kept.destroy({ where: { id: 2 }, transaction }), 1)
    })
    await db.transaction(async (transaction) => {
      await db.query('CREATE TEMP TABLE kept (id int PRIMARY KEY, name varchar(20) NOT NULL, price numeric(10, 2), at timestamptz) ON COMMIT DROP', { transaction })
      const made = await Kept.create({ id: 3, name: 'three' }, { transaction })
      check('a row that is given back', [made.id, made.name], [3, 'three'])
    })
  },

  async failures() {
    await fails('a write', Eod.update({ close: 1 }, { where: { symbol: 'SPY' } }), '25006')
    await fails('a table', db.query('SELECT * FROM nosuch'), '42P01')
    await fails('a column', Eod.findOne({ attributes: ['nosuch'] }), '42703')
  },
}

await run(parts, () => db.close())
process.exit()
