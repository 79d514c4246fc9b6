import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turnBy } from '../src/turn.ts'

/** A turn that ends when a test says so. */
function turnByHand() {
  let end: (() => void) | undefined
  const turn = turnBy((f) => {
    end = f
  })
  return {
    turn,
    endTurn: (): void => {
      const now = end
      end = undefined
      now?.()
    },
    isOpen: () => end !== undefined,
  }
}

test('a turn writes, then sends, then begins the next, and what begins it belongs to that one', () => {
  const { turn, endTurn, isOpen } = turnByHand()
  const order: string[] = []
  turn.next(() => {
    order.push('next')
    turn.sends(() => order.push('send of the next'))
  })
  turn.sends(() => order.push('send'))
  turn.writes(() => order.push('write'))
  endTurn()
  assert.deepEqual(order, ['write', 'send', 'next'])
  assert.ok(isOpen())
  endTurn()
  assert.deepEqual(order, ['write', 'send', 'next', 'send of the next'])
})

test('what throws at the end of a turn keeps nothing else from being done, and is thrown behind it', () => {
  const { turn, endTurn } = turnByHand()
  const order: string[] = []
  turn.sends(() => {
    throw new Error('the first')
  })
  turn.sends(() => order.push('send'))
  turn.next(() => {
    throw new Error('the second')
  })
  turn.next(() => order.push('next'))
  assert.throws(endTurn, /the first/)
  assert.deepEqual(order, ['send', 'next'])
})
