// The vendor's own dxLink client against our simulated feed.
//
//   npm install --no-package-lock && node client.mjs http://127.0.0.1:PORT
//
// The address is that of the simulated REST service, which gives the quote token and the address of the feed.
//
// Passes when quotes with bid below ask arrive for SPY, and a complete snapshot of more than 400 daily candles of AAPL,
// each row newer than the requested time and every price sane. Prints `ok quotes=N candles=M`; exit code 0 or 1.

import { createRequire } from 'node:module'
import { WebSocket } from 'ws'

// The client was written for browsers: it takes the socket from the global scope.
globalThis.WebSocket = WebSocket

const { DXLinkAuthState, DXLinkFeed, DXLinkWebSocketClient, FeedContract, FeedDataFormat } =
  createRequire(import.meta.url)('@dxfeed/dxlink-api')

const DEADLINE_MS = 20_000
const QUOTES_WANTED = 5
const CANDLES_WANTED = 400
const DAY_MS = 86_400_000

// Event flags of a snapshot.
const SNAPSHOT_BEGIN = 0x04
const SNAPSHOT_END = 0x08
const SNAPSHOT_SNIP = 0x10
const REMOVE_EVENT = 0x02

const [rest] = process.argv.slice(2)
if (rest === undefined) {
  console.error('usage: node client.mjs REST_URL')
  process.exit(1)
}

const answer = async (path, options) => {
  const response = await fetch(rest + path, options)
  if (!response.ok) throw new Error(`${path} answers ${response.status}`)
  return response.json()
}
const grant = { grant_type: 'refresh_token', client_secret: 'sim-secret', refresh_token: 'sim-refresh' }
const granted = await answer('/oauth/token', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(grant),
})
const quoteToken = await answer('/api-quote-tokens', { headers: { authorization: `Bearer ${granted.access_token}` } })
const { token, 'dxlink-url': url } = quoteToken.data

const client = new DXLinkWebSocketClient()
const seen = { quotes: 0, candles: new Map(), begun: false, complete: false }

// Closing the client changes its state, which must not finish a second time.
let finished = false
const finish = (error) => {
  if (finished) return
  finished = true
  if (error === undefined) {
    console.log(`ok quotes=${seen.quotes} candles=${seen.candles.size}`)
  } else {
    console.error(`failed: ${error} (quotes=${seen.quotes} candles=${seen.candles.size})`)
  }
  client.close()
  process.exit(error === undefined ? 0 : 1)
}

setTimeout(() => finish(`no success within ${DEADLINE_MS} ms`), DEADLINE_MS)
client.addErrorListener((error) => finish(`${error.type}: ${error.message}`))
// The server says UNAUTHORIZED once before it has seen the token; a second time means that it refuses it.
let refusals = 0
client.addAuthStateChangeListener((state) => {
  if (state === DXLinkAuthState.UNAUTHORIZED && ++refusals > 1) finish('the token is refused')
})
client.connect(url)
client.setAuthToken(token)

const fromTime = Date.now() - 900 * DAY_MS

const quotes = new DXLinkFeed(client, FeedContract.AUTO)
quotes.configure({
  acceptAggregationPeriod: 0.1,
  acceptDataFormat: FeedDataFormat.COMPACT,
  acceptEventFields: { Quote: ['eventType', 'eventSymbol', 'bidPrice', 'askPrice', 'bidSize', 'askSize'] },
})
quotes.addEventListener((events) => {
  for (const event of events) {
    if (event.eventType !== 'Quote' || event.eventSymbol !== 'SPY') continue
    if (!(event.bidPrice < event.askPrice)) finish(`SPY is quoted ${event.bidPrice} to ${event.askPrice}`)
    seen.quotes += 1
  }
  check()
})
quotes.addSubscriptions({ type: 'Quote', symbol: 'SPY' })

const history = new DXLinkFeed(client, FeedContract.AUTO)
history.configure({
  acceptAggregationPeriod: 0.1,
  acceptDataFormat: FeedDataFormat.COMPACT,
  acceptEventFields: {
    Candle: ['eventType', 'eventSymbol', 'eventFlags', 'index', 'time', 'open', 'high', 'low', 'close', 'volume'],
  },
})
history.addEventListener((events) => {
  for (const event of events) {
    if (event.eventType !== 'Candle') continue
    const flags = Number(event.eventFlags)
    if (flags & SNAPSHOT_BEGIN) seen.begun = true
    const price = Number(event.close)
    if (!(flags & REMOVE_EVENT) && Number.isFinite(price)) {
      if (!(price > 0 && event.low <= event.high)) finish(`a candle of ${event.time} makes no sense`)
      if (event.time < fromTime - DAY_MS) finish(`a candle of ${event.time} is older than asked for`)
      seen.candles.set(event.time, price)
    }
    if (flags & (SNAPSHOT_END | SNAPSHOT_SNIP)) seen.complete = seen.begun
  }
  check()
})
history.addSubscriptions({ type: 'Candle', symbol: 'AAPL{=1d}', fromTime })

function check() {
  if (!seen.complete || seen.quotes < QUOTES_WANTED) return
  if (seen.candles.size > CANDLES_WANTED) finish()
  else finish(`the snapshot of AAPL has ${seen.candles.size} candles`)
}
