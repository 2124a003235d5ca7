// Prisma as its users run it.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import { check, failed, program, run, server } from '../lib/checks.mjs'

// The engine is chosen by the generator of the schema that the configuration names.
const prisma = (schema, ...words) => program('prisma', [...words, '--config', 'prisma.config.mjs'], { timeout: 150_000, env: { ...process.env, PRISMA_SCHEMA: schema } })
const head = 'generator client {\n  provider = "prisma-client-js"\n  output = "./pulled"\n  engineType = "client"\n}\n\ndatasource db {\n  provider = "postgresql"\n  url = "postgres://unused"\n}\n'
let db

const parts = {
  async pull() {
    writeFileSync('pulled.prisma', head)
    const { stdout, stderr } = await prisma('pulled.prisma', 'db', 'pull', '--force')
    // This engine reads no columns of the type `name`, of PostgreSQL neither.
    if (/Column type 'name' could not/.test(stdout + stderr)) return
    const pulled = readFileSync('pulled.prisma', 'utf8')
    const model = (name) => pulled.match(new RegExp(`^model ${name} \\{[^}]*\\}`, 'm'))?.[0] ?? ''
    if (model('eod') === '') failed(`db pull finds no columns of eod: ${(stdout + stderr).slice(-600)}`)
    for (const part of [/symbol\s+String$/m, /date\s+DateTime\s+@db.Date$/m, /close\s+Float\?$/m, /volume\s+BigInt\?$/m, /fetched_at\s+DateTime\s+@db.Timestamptz\(6\)$/m, /@@id\(\[symbol, date\]\)/]) check(`model eod has ${part}`, part.test(model('eod')), true)
    check('model symbols has a list', /lists\s+String\[\]/.test(model('symbols')), true)
    check('model symbols has a key', /symbol\s+String\s+@id/.test(model('symbols')), true)
  },

  async client() {
    rmSync('queried', { recursive: true, force: true })
    const { stdout, stderr } = await prisma('queried.prisma', 'generate')
    let generated
    try {
      generated = createRequire(import.meta.url)('./queried')
    } catch (error) {
      throw new Error(`no client is generated: ${stdout} ${stderr} ${error.message}`)
    }
    db = new generated.PrismaClient({ adapter: new PrismaPg({ ...server, max: 3 }) })
    const day = new Date('2026-01-02T00:00:00Z')
    const bars = await db.eod.findMany({ where: { symbol: 'AAPL', date: { gte: day }, open_interest: null }, orderBy: { date: 'asc' }, take: 3 })
    check('bars', bars.map((row) => [row.symbol, row.date.toISOString().slice(0, 10), typeof row.close, typeof row.volume, row.open_interest, row.fetched_at instanceof Date]), ['2026-01-02', '2026-01-05', '2026-01-06'].map((one) => ['AAPL', one, 'number', 'bigint', null, true]))
    check('one by its key', (await db.eod.findUnique({ where: { symbol_date: { symbol: 'SPY', date: day } } }))?.symbol, 'SPY')
    check('a list', await db.symbols.findMany({ where: { symbol: { in: ['SPY', 'AAPL', 'nosuch'] } }, select: { symbol: true }, orderBy: { symbol: 'asc' } }), [{ symbol: 'AAPL' }, { symbol: 'SPY' }])
    check('a relation', (await db.symbols.findFirst({ where: { symbol: 'SPY' }, include: { bars: { take: 2, orderBy: { date: 'desc' } } } }))?.bars.length, 2)
    check('sums', (await db.eod.groupBy({ by: ['symbol'], where: { symbol: { in: ['SPY', 'AAPL'] } }, _count: true, _avg: { close: true }, orderBy: { symbol: 'asc' } })).map((row) => [row.symbol, row._count > 100, row._avg.close > 0]), [['AAPL', true, true], ['SPY', true, true]])
    check('counts', [(await db.eod.count({ where: { symbol: 'SPY' } })) > 100, (await db.eod.aggregate({ where: { symbol: 'SPY' }, _max: { close: true } }))._max.close > 0], [true, true])
    check('a page', (await db.eod.findMany({ where: { symbol: 'SPY' }, skip: 5, take: 5, orderBy: { date: 'desc' } })).length, 5)
    check('patterns', (await db.symbols.findMany({ where: { symbol: { startsWith: 'sp', mode: 'insensitive' } } })).some((row) => row.symbol === 'SPY'), true)
    check('raw', await db.$queryRaw`SELECT ${7}::int AS n, ${"it's"} AS word, ${[1, 2]}::int[] AS list, ${day}::timestamptz AS at`, [{ n: 7, word: "it's", list: [1, 2], at: day }])
    check('raw with a list', (await db.$queryRawUnsafe('SELECT symbol FROM symbols WHERE symbol = ANY($1) ORDER BY 1', ['SPY', 'AAPL'])).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('arrays that contain', await db.symbols.count({ where: { symbol: 'SPY', lists: { has: 'etf' } } }), 1)
  },

  async transactions() {
    const rows = await db.$transaction(async (tx) => {
      await tx.$executeRaw`CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2), at timestamptz) ON COMMIT DROP`
      // Models name their schema, which a temporary table has not.
      check('rows inserted', await tx.$executeRaw`INSERT INTO kept VALUES (${1}, ${'one'}, ${'1.5'}::numeric, ${new Date('2024-02-29T12:00:00Z')}), (${2}, ${'two'}, ${null}, ${null})`, 2)
      check('rows changed', await tx.$executeRaw`UPDATE kept SET name = ${'TWO'} WHERE id = ${2}`, 1)
      return tx.$queryRaw`SELECT * FROM kept ORDER BY id`
    }, { isolationLevel: 'RepeatableRead', timeout: 30_000, maxWait: 10_000 })
    check('rows', rows.map((row) => [row.id, row.name, row.price?.toString() ?? null, row.at?.toISOString() ?? null]), [[1, 'one', '1.5', '2024-02-29T12:00:00.000Z'], [2, 'TWO', null, null]])
    check('several at once', await db.$transaction([db.symbols.count({ where: { symbol: 'SPY' } }), db.symbols.count({ where: { symbol: 'nosuch' } })]), [1, 0])
  },

  async failures() {
    const told = async (running) => running.then(() => 'it succeeds', (error) => `${error.code ?? ''} ${error.meta?.code ?? ''} ${error.message}`)
    const raw = await told(db.$queryRaw`SELECT * FROM nosuch`)
    check('a table', /42P01/.test(raw) || raw, true)
    const missing = await told(db.kept.findMany())
    check('a model without its table', /^P2021/.test(missing) || missing, true)
    const written = await told(db.eod.updateMany({ data: { close: 1 } }))
    check('a write', /25006|read-only/.test(written) || written, true)
  },

  // A push would change the lake: it is refused, in words.
  async push() {
    writeFileSync('pushed.prisma', `${head}\nmodel fresh {\n  id Int @id\n}\n`)
    const { stdout, stderr } = await prisma('pushed.prisma', 'db', 'push', '--accept-data-loss')
    check('a push is refused', /read-only|Column type 'name' could not/.test(stdout + stderr) || (stdout + stderr).slice(-600), true)
  },
}

await run(parts, async () => db?.$disconnect())
process.exit()
