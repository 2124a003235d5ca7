// drizzle-kit and drizzle-orm as their users run them.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { and, asc, avg, between, count, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { alias, integer, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { transform } from 'esbuild'
import pg from 'pg'
import { check, fails, program, run, url } from '../lib/checks.mjs'

const pool = new pg.Pool({ max: 3 })
const db = drizzle(pool)
const kept = pgTable('kept', { id: integer('id').primaryKey(), name: text('name').notNull(), price: numeric('price', { precision: 10, scale: 2 }), at: timestamp('at', { withTimezone: true }) })
let eod
let symbols

const parts = {
  async pull() {
    rmSync('pulled', { recursive: true, force: true })
    writeFileSync('drizzle.config.json', JSON.stringify({ dialect: 'postgresql', out: './pulled', dbCredentials: { url } }))
    const { stdout, stderr } = await program('drizzle-kit', ['pull', '--config=drizzle.config.json'], { timeout: 90_000 })
    let schema
    try {
      schema = readFileSync('pulled/schema.ts', 'utf8')
    } catch {
      throw new Error(`drizzle-kit pull writes no schema: ${stdout.slice(-1000)} ${stderr.slice(-1000)}`)
    }
    const eod = schema.match(/export const eod = pgTable\("eod", \{[^]*?\n\]?\}?\);/)?.[0] ?? ''
    for (const part of ['symbol: text().notNull()', 'date: date().notNull()', 'close: doublePrecision()', 'withTimezone: true', 'primaryKey({ columns: [table.symbol, table.date]'])
      check(`the table eod has ${part}`, eod.includes(part) || eod, true)
    check('an array', /lists: text\(\)\.array\(\)/.test(schema), true)
    check('a key of one column', /symbols = pgTable\("symbols", \{\s*symbol: text\(\)\.primaryKey\(\)/.test(schema), true)
    check('a view', /moversView|movers = pgView\("movers"/.test(schema), true)
    check('no unknown types', schema.match(/TODO: failed to parse[^\n]*/g), null)
  },

  async selects() {
    const { code: module } = await transform(readFileSync('pulled/schema.ts', 'utf8'), { loader: 'ts', format: 'esm' })
    writeFileSync('pulled/schema.mjs', module)
    const pulled = await import(`${process.cwd()}/pulled/schema.mjs`)
    eod = pulled.eod
    symbols = pulled.symbols
    const bars = await db.select({ symbol: eod.symbol, date: eod.date, close: eod.close, volume: eod.volume, interest: eod.openInterest, at: eod.fetchedAt }).from(eod).where(and(eq(eod.symbol, 'AAPL'), gt(eod.date, '2026-01-01'), isNull(eod.openInterest))).orderBy(asc(eod.date)).limit(3)
    check('bars', bars.map((row) => [row.symbol, row.date, typeof row.close, typeof row.volume, row.interest, typeof row.at]), ['2026-01-02', '2026-01-05', '2026-01-06'].map((day) => ['AAPL', day, 'number', 'number', null, 'string']))
    const joined = await db.select({ symbol: symbols.symbol, lists: symbols.lists, bars: count(), mean: avg(eod.close) }).from(symbols).innerJoin(eod, eq(eod.symbol, symbols.symbol)).where(inArray(symbols.symbol, ['SPY', 'AAPL', 'nosuch'])).groupBy(symbols.symbol, symbols.lists).orderBy(desc(symbols.symbol))
    check('a join', joined.map((row) => [row.symbol, Array.isArray(row.lists), row.bars > 100, typeof row.mean]), [['SPY', true, true, 'string'], ['AAPL', true, true, 'string']])
    const other = alias(eod, 'other')
    const pairs = await db.select({ n: count() }).from(eod).leftJoin(other, and(eq(other.symbol, eod.symbol), eq(other.date, sql`${eod.date} + 1`))).where(and(eq(eod.symbol, 'SPY'), between(eod.date, '2026-01-05', '2026-01-09')))
    check('a join with itself', pairs, [{ n: 5 }])
    const recent = db.$with('recent').as(db.select({ symbol: eod.symbol, top: sql`max(${eod.close})`.as('top') }).from(eod).groupBy(eod.symbol))
    check('WITH', (await db.with(recent).select().from(recent).where(eq(recent.symbol, 'SPY'))).length, 1)
    const prepared = db.select({ n: count() }).from(eod).where(eq(eod.symbol, sql.placeholder('symbol'))).prepare('bars_of')
    for (const symbol of ['SPY', 'AAPL', 'nosuch']) check(`prepared, ${symbol}`, (await prepared.execute({ symbol }))[0].n > 100, symbol !== 'nosuch')
    check('$count', await db.$count(symbols, eq(symbols.symbol, 'SPY')), 1)
    check('distinct on', (await db.selectDistinctOn([eod.symbol], { symbol: eod.symbol, date: eod.date }).from(eod).where(inArray(eod.symbol, ['SPY', 'AAPL'])).orderBy(eod.symbol, desc(eod.date))).map((row) => row.symbol), ['AAPL', 'SPY'])
    const related = drizzle(pool, { schema: { eod, symbols } })
    check('a relational query', (await related.query.symbols.findFirst({ where: eq(symbols.symbol, 'SPY'), columns: { symbol: true, lists: true } })), { symbol: 'SPY', lists: ['etf'] })
    check('execute', (await db.execute(sql`SELECT ${1}::int AS n`)).rows, [{ n: 1 }])
    const last = await db.select({ close: eod.close }).from(eod).where(eq(eod.symbol, 'AAPL')).orderBy(asc(eod.date)).limit(3)
    check('closes by date', last.length, 3)
  },

  async transactions() {
    const rows = await db.transaction(async (tx) => {
      await tx.execute(sql`CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2), at timestamptz) ON COMMIT DROP`)
      await tx.insert(kept).values([{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'two' }])
      await fails('a key twice', tx.transaction((inner) => inner.insert(kept).values({ id: 1, name: 'again' })), '23505')
      const changed = await tx.update(kept).set({ name: 'TWO' }).where(eq(kept.id, 2))
      check('rows changed', changed.rowCount, 1)
      return tx.select().from(kept).orderBy(kept.id)
    }, { isolationLevel: 'repeatable read' })
    check('rows', rows, [{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z') }, { id: 2, name: 'TWO', price: null, at: null }])
    await fails('a rolled back transaction', db.transaction((tx) => tx.rollback()), 'Rollback')
  },

  async failures() {
    await fails('a write', db.update(eod ?? kept).set({ close: 1, name: 'x' }), '25006')
    await fails('a table', db.select().from(pgTable('nosuch', { id: integer() })), '42P01')
    await fails('syntax', db.execute(sql`SELEC 1`), '42601')
  },

  // A push would change the lake: it is refused, in words.
  async push() {
    writeFileSync('pushed.mjs', "import { pgTable, integer } from 'drizzle-orm/pg-core'\nexport const fresh = pgTable('fresh', { id: integer().primaryKey() })\n")
    writeFileSync('push.config.json', JSON.stringify({ dialect: 'postgresql', schema: './pushed.mjs', tablesFilter: ['fresh'], dbCredentials: { url } }))
    const { said } = await program('drizzle-kit', ['push', '--force', '--config=push.config.json'], { timeout: 90_000 })
    check('a push is refused', /25006|read-only/.test(said) || said.slice(-400), true)
  },
}

await run(parts, () => pool.end())
process.exit()
