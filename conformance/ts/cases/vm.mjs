import { randomBytes } from 'node:crypto'
import { assert, client, ethAccount, fund, get, processed, refused, test } from '../lib.mjs'
import { InvalidMessageError, PaymentType } from '@aleph-sdk/message'

async function holder(aleph, credits) {
  const account = ethAccount()
  await fund(account.address, aleph, credits)
  return [account, client(account)]
}
async function file(size = 100) {
  const [, it] = await holder(100000)
  const message = await processed(it.createStore({ fileObject: new Blob([randomBytes(size)]), channel: 'TEST', sync: true }))
  return message.item_hash
}
const credit = { chain: 'ETH', type: PaymentType.credit }

test('vm.program_from_reference', async () => {
  const [account, it] = await holder(100000)
  const [programRef, runtime] = [await file(), await file()]
  const subscriptions = [{ sender: account.address }]
  const program = { programRef, runtime, entrypoint: 'main:app', channel: 'TEST', metadata: { name: 'p' }, subscriptions }
  const message = await processed(it.createProgram(program))
  const { type, content } = await it.getMessage(message.item_hash)
  assert.equal(type, 'PROGRAM')
  assert.equal(content.code.ref, programRef)
  assert.equal(content.runtime.ref, runtime)
  assert.deepEqual(content.on.message, subscriptions)
  assert.equal(content.payment.type, 'hold')
})

test('vm.program_from_file', async () => {
  const [, it] = await holder(100000)
  const runtime = await file()
  const code = randomBytes(300)
  const program = { file: new Blob([code]), storageEngine: 'storage', runtime, entrypoint: 'main:app', channel: 'TEST' }
  const message = await processed(it.createProgram(program))
  const { data } = await get(`/api/v0/storage/by-message-hash/${message.content.code.ref}`)
  assert.ok(code.equals(Buffer.from(await it.downloadFile(data.file_hash))))
})

test('vm.program_credit', async () => {
  const [, it] = await holder(0, 10 ** 10)
  const program = { programRef: await file(), runtime: await file(), entrypoint: 'main:app', channel: 'TEST', payment: credit }
  const message = await processed(it.createProgram(program))
  assert.equal((await it.programClient.getCost(message.item_hash)).payment_type, 'credit')
})

test('vm.program_without_balance_refused', async () => {
  const it = client(ethAccount())
  const program = { programRef: await file(), runtime: await file(), entrypoint: 'main:app', channel: 'TEST', sync: true }
  await refused(it.createProgram(program), InvalidMessageError)
})

test('vm.instance_credit', async () => {
  const [, it] = await holder(0, 10 ** 11)
  const ref = await file()
  const instance = { authorized_keys: ['ssh-rsa AAA'], rootfs: { parent: { ref } }, resources: { memory: 2048, vcpus: 1 } }
  const message = await processed(it.createInstance({ ...instance, channel: 'TEST', payment: credit, sync: true }))
  const { type, content } = await it.getMessage(message.item_hash)
  assert.equal(type, 'INSTANCE')
  assert.equal(content.rootfs.parent.ref, ref)
  assert.deepEqual(content.authorized_keys, ['ssh-rsa AAA'])
})

test('vm.instance_without_credits_refused', async () => {
  const it = client(ethAccount())
  const instance = { rootfs: { parent: { ref: await file() } }, resources: { memory: 2048, vcpus: 1 } }
  const sent = it.createInstance({ ...instance, channel: 'TEST', payment: credit, sync: true })
  await refused(sent, InvalidMessageError)
})

test('vm.program_cost_estimate', async () => {
  const account = ethAccount()
  const program = { account, programRef: await file(), runtime: await file(), entrypoint: 'main:app', channel: 'TEST' }
  const estimate = await client(account).programClient.getEstimatedCost(program)
  assert.equal(estimate.payment_type, 'hold')
  assert.ok(Number(estimate.cost) > 0, `cost ${estimate.cost}`)
})
