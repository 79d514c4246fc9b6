import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineEvent, EventFan, type EventSink } from '../src/events.ts'

const seen = defineEvent({
  name: 'test.seen',
  level: 'info',
  fields: { what: 'What was seen.' },
  says: 'saw {what}',
})

function listener(throwsAt: readonly string[] = []) {
  const heard: string[] = []
  const sink: EventSink = {
    emit: (definition, values) => {
      heard.push(`${definition.name} ${Object.values(values).map(String).join(' ')}`)
      if (throwsAt.includes(definition.name)) throw new Error('no more room')
    },
  }
  return { sink, heard }
}

test('every sink hears every event until it is taken out', () => {
  const [first, second] = [listener(), listener()]
  const fan = new EventFan(first.sink)
  fan.emit(seen, { what: 'one' })
  const remove = fan.add(second.sink)
  fan.emit(seen, { what: 'two' })
  remove()
  fan.emit(seen, { what: 'three' })
  assert.deepEqual(first.heard, ['test.seen one', 'test.seen two', 'test.seen three'])
  assert.deepEqual(second.heard, ['test.seen two'])
})

test('a sink that throws affects neither the emitter nor other sinks, and is reported once', () => {
  const [bad, good] = [listener(['test.seen']), listener()]
  const fan = new EventFan(bad.sink, good.sink)
  fan.emit(seen, { what: 'one' })
  fan.emit(seen, { what: 'two' })
  assert.deepEqual(bad.heard, ['test.seen one', 'test.seen two'])
  assert.deepEqual(good.heard, [
    'env.sink.failed test.seen no more room',
    'test.seen one',
    'test.seen two',
  ])
})

test('sinks that all throw, even on reports of each other, break nothing', () => {
  const names = ['test.seen', 'env.sink.failed']
  const fan = new EventFan(listener(names).sink, listener(names).sink)
  fan.emit(seen, { what: 'one' })
  fan.emit(seen, { what: 'two' })
})
