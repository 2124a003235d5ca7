// kysely and kysely-codegen as their users run them.

import { readFileSync, rmSync } from 'node:fs'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { check, fails, program, run, url } from '../lib/checks.mjs'

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ max: 3 }), cursor: Cursor }) })

const parts = {
  async introspection() {
    const schemas = (await db.introspection.getSchemas()).map((one) => one.name)
    check('schemas', ['live', 'public', 'system'].filter((one) => schemas.includes(one)), ['live', 'public', 'system'])
    const tables = await db.introspection.getTables()
    const eod = tables.find((one) => one.schema === 'public' && one.name === 'eod')
    check('columns of eod', eod?.columns.slice(0, 7).map((one) => [one.name, one.dataType, one.isNullable, one.isAutoIncrementing, one.hasDefaultValue]), [
      ['symbol', 'text', false, false, false], ['date', 'date', false, false, false], ['open', 'float8', true, false, false], ['high', 'float8', true, false, false],
      ['low', 'float8', true, false, false], ['close', 'float8', true, false, false], ['volume', 'int8', true, false, false],
    ])
    check('an array', tables.find((one) => one.name === 'symbols')?.columns.find((one) => one.name === 'lists')?.dataType, '_text')
    check('a view', tables.find((one) => one.name === 'movers')?.isView, true)
    check('a table is no view', eod?.isView, false)
  },

  async codegen() {
    rmSync('db.d.ts', { force: true })
    const { stdout, stderr } = await program('kysely-codegen', ['--dialect', 'postgres', '--url', url, '--out-file', 'db.d.ts'], { timeout: 90_000 })
    let written
    try {
      written = readFileSync('db.d.ts', 'utf8')
    } catch {
      throw new Error(`kysely-codegen writes nothing: ${stdout} ${stderr}`)
    }
    const eod = written.match(/export interface Eod \{[^}]*\}/)?.[0] ?? ''
    for (const part of ['symbol: string;', 'date: Timestamp;', 'close: number | null;', 'volume: Int8 | null;', 'fetched_at: Timestamp;']) check(`Eod has ${part}`, eod.includes(part) || eod, true)
    check('an array', /lists: string\[\] \| null;/.test(written), true)
    check('a schema', /"live\.quotes": LiveQuotes;/.test(written), true)
  },

  async selects() {
    const bars = await db.selectFrom('eod').select(['symbol', 'date', 'close', 'volume', 'open_interest']).where('symbol', '=', 'AAPL').where('date', '>=', new Date('2026-01-02')).orderBy('date').limit(3).execute()
    check('bars', bars.map((row) => [row.symbol, row.date instanceof Date, typeof row.close, typeof row.volume, row.open_interest]), Array(3).fill(['AAPL', true, 'number', 'string', null]))
    const joined = await db.selectFrom('symbols as s').innerJoin('eod as e', 'e.symbol', 's.symbol').select(({ fn }) => ['s.symbol', fn.count('e.close').as('bars'), fn.max('e.close').as('top')]).where('s.symbol', 'in', ['SPY', 'AAPL', 'nosuch']).groupBy('s.symbol').having(({ fn }) => fn.countAll(), '>', 10).orderBy('s.symbol').execute()
    check('a join', joined.map((row) => [row.symbol, Number(row.bars) > 100, row.top > 0]), [['AAPL', true, true], ['SPY', true, true]])
    const nested = await db.selectFrom('symbols as s').select((eb) => ['s.symbol', jsonArrayFrom(eb.selectFrom('eod as e').select(['e.date', 'e.close']).whereRef('e.symbol', '=', 's.symbol').where('e.date', '>=', '2026-01-02').orderBy('e.date').limit(2)).as('bars')]).where('s.symbol', '=', 'SPY').execute()
    check('rows within a row', [nested[0]?.symbol, nested[0]?.bars.map((row) => row.date)], ['SPY', ['2026-01-02', '2026-01-05']])
    check('WITH', (await db.with('top', (with_) => with_.selectFrom('eod').select(['symbol', ({ fn }) => fn.max('close').as('most')]).groupBy('symbol')).selectFrom('top').selectAll().where('symbol', '=', 'SPY').execute()).length, 1)
    const ranked = await db.selectFrom('eod').select(['symbol', ({ fn }) => fn.agg('row_number').over((over) => over.partitionBy('symbol').orderBy('date', 'desc')).as('n')]).where('symbol', '=', 'SPY').limit(2).execute()
    check('a window', ranked.map((row) => row.n), ['1', '2'])
    check('a set operation', (await db.selectFrom('symbols').select('symbol').where('symbol', '=', 'SPY').union(db.selectFrom('symbols').select('symbol').where('symbol', '=', 'AAPL')).orderBy('symbol').execute()).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('sql', (await sql`SELECT ${7}::int AS n, ${['a', null]}::text[] AS words, ${null}::date AS nothing`.execute(db)).rows, [{ n: 7, words: ['a', null], nothing: null }])
    const plan = await db.selectFrom('eod').selectAll().where('symbol', '=', 'SPY').explain('json')
    check('a plan', typeof plan[0]['QUERY PLAN'][0].Plan?.['Total Cost'], 'number')
    check('closes by date', (await db.selectFrom('eod').select(['symbol', 'close']).where('symbol', '=', 'AAPL').orderBy('date').limit(3).execute()).length, 3)
  },

  async streams() {
    let read = 0
    for await (const row of db.selectFrom('eod').select('symbol').stream(5000)) read += row.symbol.length > 0 ? 1 : 0
    check('rows of a stream', read, Number((await db.selectFrom('eod').select(db.fn.countAll().as('n')).executeTakeFirst()).n))
    let quotes = 0
    for await (const quote of db.selectFrom('live.quotes').select(['symbol', 'bid']).where('symbol', '=', 'SPY').stream(1)) {
      check('a quote', quote.symbol, 'SPY')
      if (++quotes === 3) break
    }
  },

  async transactions() {
    await db.connection().execute(async (own) => {
      await own.schema.createTable('kept').temporary().addColumn('id', 'integer', (one) => one.primaryKey()).addColumn('name', 'varchar(20)', (one) => one.notNull()).addColumn('price', 'numeric(10, 2)').addColumn('at', 'timestamptz', (one) => one.defaultTo(sql`now()`)).execute()
      await own.transaction().setIsolationLevel('repeatable read').execute(async (tx) => {
        const inserted = await tx.insertInto('kept').values([{ id: 1, name: 'one', price: '1.50' }, { id: 2, name: 'two', price: null }]).executeTakeFirst()
        check('rows inserted', inserted.numInsertedOrUpdatedRows, 2n)
        check('rows changed', (await tx.updateTable('kept').set({ name: 'TWO' }).where('id', '=', 2).executeTakeFirst()).numUpdatedRows, 1n)
      })
      await fails('a key twice', own.transaction().execute((tx) => tx.insertInto('kept').values({ id: 1, name: 'again' }).execute()), '23505')
      const controlled = await own.startTransaction().execute()
      const saved = await controlled.savepoint('one').execute()
      await saved.deleteFrom('kept').execute()
      await saved.rollbackToSavepoint('one').execute()
      check('a savepoint', (await controlled.selectFrom('kept').select(['id', 'name', 'price']).orderBy('id').execute()), [{ id: 1, name: 'one', price: '1.50' }, { id: 2, name: 'TWO', price: null }])
      await controlled.commit().execute()
      await own.insertInto('kept').expression((eb) => eb.selectFrom('symbols').select([sql`3`.as('id'), 'symbol']).where('symbol', '=', 'SPY')).columns(['id', 'name']).execute()
      check('rows of a query', (await own.selectFrom('kept').select('name').where('id', '=', 3).execute()), [{ name: 'SPY' }])
      await own.schema.dropTable('kept').execute()
    })
  },

  async failures() {
    await fails('a write', db.updateTable('eod').set({ close: 1 }).execute(), '25006')
    await fails('a table', db.selectFrom('nosuch').selectAll().execute(), '42P01')
    await fails('a column', db.selectFrom('eod').select('nosuch').execute(), '42703')
    await fails('a table of the lake', db.schema.createTable('fresh').addColumn('id', 'integer').execute(), '25006')
    await fails('an index', db.schema.createIndex('fresh').on('eod').column('close').execute(), '25006')
  },
}

await run(parts, () => db.destroy())
process.exit()
