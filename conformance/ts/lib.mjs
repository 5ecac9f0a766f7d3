// What the cases share: how a case is named and judged, accounts, waiting, money.
import { createHash, randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import axios from 'axios'
import { AlephHttpClient, AuthenticatedAlephHttpClient } from '@aleph-sdk/client'
import * as ethereum from '@aleph-sdk/ethereum'
import { BaseMessageClient } from '@aleph-sdk/message'

export { assert, axios }
export const NODE_URL = (process.env.NODE_URL ?? '').replace(/\/+$/, '')
export const WS_URL = NODE_URL.replace(/^http/, 'ws')
const WAIT_SECONDS = Number(process.env.CONFORMANCE_WAIT ?? 40)

/** Cases in the order of their definition: [name, function]. */
export const cases = []
export const test = (name, run) => cases.push([name, run])

/** Thrown by a case that cannot be judged on this node. */
export class Skipped extends Error {}
export const skip = (reason) => {
  throw new Skipped(reason)
}

export const random = (prefix = 'x') => `${prefix}-${randomBytes(6).toString('hex')}`
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

export const ethAccount = (key = randomBytes(32).toString('hex')) => ethereum.importAccountFromPrivateKey(key)

/** The SDK's client: signing if an account is given, watching through the node under test. */
export function client(account) {
  const made = account ? new AuthenticatedAlephHttpClient(account, NODE_URL) : new AlephHttpClient(NODE_URL)
  // The constructor leaves the websocket at the public network's node.
  made.messageClient = new BaseMessageClient(NODE_URL, WS_URL)
  return made
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

/** Asks until `probe` gives a value that is neither false nor undefined. */
export async function eventually(what, probe, seconds = WAIT_SECONDS) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`)
    await sleep(100)
  }
}

export async function get(path, params) {
  return axios.get(NODE_URL + path, { params, validateStatus: () => true })
}

export async function waitStatus(hash, wanted) {
  let last
  return eventually(`${hash} ${wanted}`, async () => {
    const { status, data } = await get(`/api/v0/messages/${hash}`)
    last = status === 404 ? 'unknown' : data.status
    if (last !== wanted && last === 'rejected') {
      throw new Error(`rejected: ${data.error_code} ${JSON.stringify(data.details)}`)
    }
    return last === wanted && data
  }).catch((error) => {
    throw new Error(`${error.message} (last: ${last})`)
  })
}

/** Waits until the node has taken a message into its state; gives the message back. */
export async function processed(message) {
  const sent = await message
  await waitStatus(sent.item_hash, 'processed')
  return sent
}

/** The call must be refused with an error of the SDK's class `kind`; gives the error back. */
export async function refused(call, kind) {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof kind, `another error: ${error.name}: ${error.message}`)
    return error
  }
  assert.fail('not refused')
}

// The key that a test network may trust as publisher of balances and credits (README.md).
const FUNDER = process.env.FUNDER_KEY ?? sha256('aleph-conformance-funder')
let funded

/** Gives an address ALEPH and credits, or skips the case if the node does not trust the funder. */
export async function fund(address, aleph = 100000, credits = 0) {
  if (funded === false) skip('needs_balance: the node does not trust the funder address (README.md)')
  const funder = client(ethAccount(FUNDER))
  if (aleph) {
    const content = { tags: ['mainnet'], chain: 'ETH', platform: 'ETH', dapp: random('dapp'), main_height: 1, height: 1 }
    content.balances = { [address]: aleph }
    await processed(funder.createPost({ postType: 'balances-update', channel: 'SYSINFO', content, sync: true }))
  }
  if (credits) {
    const line = { address, amount: credits, price: '1', tx_hash: `0x${randomBytes(32).toString('hex')}`, bonus_amount: 0 }
    Object.assign(line, { provider: 'ALEPH', origin: 'conformance', ref: random(), payment_method: 'token_transfer' })
    const content = { distribution: { token: 'ALEPH', chain: 'ETH', credits: [line] } }
    const postType = 'aleph_credit_distribution'
    await processed(funder.createPost({ postType, channel: 'ALEPH_CREDIT', content, sync: true }))
  }
  funded = await eventually('the balance', async () => {
    const { data } = await get(`/api/v0/addresses/${address}/balance`)
    return data.balance >= aleph && (data.credit_balance > 0 || !credits)
  }, 6).catch(() => false)
  if (!funded) skip('needs_balance: the node does not trust the funder address (README.md)')
}
