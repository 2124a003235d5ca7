// The engines go over node-postgres: nothing but what npm has is needed.
import { PrismaPg } from '@prisma/adapter-pg'
import { defineConfig } from 'prisma/config'

const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env
export default defineConfig({
  schema: process.env.PRISMA_SCHEMA,
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new PrismaPg({ connectionString: `postgres://${PGUSER}@${PGHOST}:${PGPORT}/${PGDATABASE}` }),
})
