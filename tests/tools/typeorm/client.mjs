// TypeORM as its users write it.

import { DataSource, EntitySchema, In, IsNull, MoreThanOrEqual } from 'typeorm'
import { check, fails, run, server } from '../lib/checks.mjs'

const Eod = new EntitySchema({
  name: 'Eod',
  tableName: 'eod',
  columns: {
    symbol: { type: 'text', primary: true },
    date: { type: 'date', primary: true },
    close: { type: 'double precision', nullable: true },
    volume: { type: 'bigint', nullable: true },
    openInterest: { type: 'bigint', name: 'open_interest', nullable: true },
    fetchedAt: { type: 'timestamptz', name: 'fetched_at' },
  },
  relations: { of: { type: 'many-to-one', target: 'Symbol', joinColumn: { name: 'symbol', referencedColumnName: 'symbol' } } },
})
const Symbol = new EntitySchema({
  name: 'Symbol',
  tableName: 'symbols',
  columns: { symbol: { type: 'text', primary: true }, lists: { type: 'text', array: true, nullable: true }, active: { type: 'boolean', nullable: true } },
  relations: { bars: { type: 'one-to-many', target: 'Eod', inverseSide: 'of' } },
})
const Kept = new EntitySchema({
  name: 'Kept',
  tableName: 'kept',
  columns: { id: { type: 'int', primary: true }, name: { type: 'varchar' }, price: { type: 'numeric', precision: 10, scale: 2, nullable: true }, at: { type: 'timestamptz', nullable: true } },
})
const options = { type: 'postgres', ...server, username: server.user, installExtensions: false }
const source = new DataSource({ ...options, entities: [Eod, Symbol, Kept], poolSize: 3 })

const parts = {
  async selects() {
    await source.initialize()
    const bars = source.getRepository(Eod)
    const found = await bars.find({ where: { symbol: 'AAPL', date: MoreThanOrEqual('2026-01-02'), openInterest: IsNull() }, order: { date: 'ASC' }, take: 3 })
    check('bars', found.map((row) => [row.symbol, row.date, typeof row.close, typeof row.volume, row.openInterest, row.fetchedAt instanceof Date]), ['2026-01-02', '2026-01-05', '2026-01-06'].map((day) => ['AAPL', day, 'number', 'string', null, true]))
    check('one by its key', (await bars.findOneBy({ symbol: 'SPY', date: '2026-01-05' }))?.symbol, 'SPY')
    const [page, total] = await bars.findAndCount({ where: { symbol: 'SPY' }, order: { date: 'DESC' }, skip: 5, take: 5 })
    check('a page', [page.length, total > 100], [5, true])
    check('a list', (await source.getRepository(Symbol).findBy({ symbol: In(['SPY', 'AAPL', 'nosuch']) })).map((row) => row.symbol).sort(), ['AAPL', 'SPY'])
    check('an array', (await source.getRepository(Symbol).findOneBy({ symbol: 'SPY' })).lists, ['etf'])
    const sums = await bars.createQueryBuilder('e').select('e.symbol', 'symbol').addSelect('COUNT(*)', 'n').addSelect('AVG(e.close)', 'mean').where('e.symbol IN (:...symbols)', { symbols: ['SPY', 'AAPL'] }).groupBy('e.symbol').having('COUNT(*) > :n', { n: 10 }).orderBy('e.symbol').getRawMany()
    check('sums', sums.map((row) => [row.symbol, typeof row.n, typeof row.mean]), [['AAPL', 'string', 'number'], ['SPY', 'string', 'number']])
    const joined = await source.getRepository(Symbol).createQueryBuilder('s').innerJoinAndSelect('s.bars', 'e', 'e.date >= :day', { day: '2026-01-02' }).where('s.symbol = :symbol', { symbol: 'SPY' }).orderBy('e.date').take(1).getMany()
    check('a relation', [joined[0]?.symbol, joined[0]?.bars[0].date, joined[0]?.bars.length > 50], ['SPY', '2026-01-02', true])
    check('a relation by find', (await source.getRepository(Symbol).findOne({ where: { symbol: 'SPY' }, relations: { bars: true } })).bars.length > 100, true)
    check('a subquery', (await bars.createQueryBuilder('e').where((query) => `e.date = ${query.subQuery().select('MAX(x.date)').from(Eod, 'x').where('x.symbol = e.symbol').getQuery()}`).andWhere('e.symbol = :symbol', { symbol: 'SPY' }).getMany()).length, 1)
    check('plain SQL', await source.query('SELECT $1::int AS n, $2::text[] AS words', [7, ['a', null]]), [{ n: 7, words: ['a', null] }])
    check('exists', await bars.existsBy({ symbol: 'nosuch' }), false)
    check('the greatest', await bars.maximum('close', { symbol: 'SPY' }) > 0, true)
  },

  async streams() {
    let read = 0
    for await (const _ of await source.getRepository(Eod).createQueryBuilder('e').select('e.symbol').stream()) read += 1
    check('rows of a stream', read, await source.getRepository(Eod).count())
  },

  async transactions() {
    const runner = source.createQueryRunner()
    await runner.query('CREATE TEMP TABLE kept (id int PRIMARY KEY, name varchar NOT NULL, price numeric(10, 2), at timestamptz)')
    await runner.startTransaction('REPEATABLE READ')
    await runner.manager.insert('Kept', [{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'two' }])
    await runner.startTransaction()
    await fails('a key twice', runner.manager.insert('Kept', { id: 1, name: 'again' }), '23505')
    await runner.rollbackTransaction()
    check('rows changed', (await runner.manager.update('Kept', { id: 2 }, { name: 'TWO' })).affected, 1)
    await runner.commitTransaction()
    check('rows', (await runner.manager.find('Kept', { order: { id: 'ASC' } })).map((row) => ({ ...row })), [{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'TWO', price: null, at: null }])
    check('rows deleted', (await runner.manager.delete('Kept', { id: In([1, 2]) })).affected, 2)
    await runner.query('DROP TABLE kept')
    await runner.release()
  },

  // What the schema builder reads of tables and views.
  async schema() {
    const runner = source.createQueryRunner()
    const table = await runner.getTable('eod')
    check('columns of eod', table?.columns.slice(0, 7).map((one) => [one.name, one.type, one.isNullable, one.isPrimary]), [['symbol', 'text', false, true], ['date', 'date', false, true], ['open', 'double precision', true, false], ['high', 'double precision', true, false], ['low', 'double precision', true, false], ['close', 'double precision', true, false], ['volume', 'bigint', true, false]])
    const lists = (await runner.getTable('public.symbols'))?.columns.find((one) => one.name === 'lists')
    check('an array', [lists?.type, lists?.isArray], ['text', true])
    check('has a table', [await runner.hasTable('eod'), await runner.hasTable('nosuch'), await runner.hasColumn('eod', 'close')], [true, false, true])
    await runner.release()
  },

  // Synchronising would change the lake: it is refused, and what it would do is told.
  async synchronising() {
    const Fresh = new EntitySchema({ name: 'Fresh', tableName: 'fresh', columns: { id: { type: 'int', primary: true } } })
    await fails('synchronize', new DataSource({ ...options, entities: [Fresh], synchronize: true }).initialize(), '25006')
    const fresh = await new DataSource({ ...options, entities: [Fresh] }).initialize()
    const told = (await fresh.driver.createSchemaBuilder().log()).upQueries.map((one) => one.query)
    check('what it would do', told.map((one) => one.replace(/"PK_\w+"/, 'K')), ['CREATE TABLE "fresh" ("id" integer NOT NULL, CONSTRAINT K PRIMARY KEY ("id"))'])
    await fresh.destroy()
  },

  async failures() {
    await fails('a write', source.getRepository(Eod).update({ symbol: 'SPY' }, { close: 1 }), '25006')
    await fails('a table', source.query('SELECT * FROM nosuch'), '42P01')
    await fails('a column', source.getRepository(Eod).createQueryBuilder('e').where('nosuch = 1').getMany(), '42703')
  },
}

// A connection that a failed part has kept must not hold up the end.
await run(parts, () => Promise.race([source.destroy(), new Promise((done) => setTimeout(done, 2000))]))
process.exit()
