package main

import (
	"encoding/binary"
	"fmt"
	"time"
)

// bodyAt is where the length of the body lies in a record whose hosts are IPv4.
const bodyAt = 84

// endToEndShare sends at a steady rate on the last connection, and waits for the messages of one queue on each of
// the others. A message carries the time at which it was due to be sent; the latency is from then to its receipt.
func endToEndShare(o options, connection int) *share {
	if connection == o.queues {
		return sendAtRate(o)
	}
	return receiveQueue(o, connection)
}

func sendAtRate(o options) *share {
	done := newShare(0)
	wire, err := connect(o.address)
	if err != nil {
		done.err = err
		return done
	}
	defer wire.connection.Close()
	// Receivers have to be waiting.
	time.Sleep(500 * time.Millisecond)
	prepared := prepareSend(o, 0)
	body := len(prepared.frame) - o.size
	go discardAnswers(wire, o.count)
	began := time.Now()
	var batch []byte
	for sent := 0; sent < o.count; {
		now := time.Now()
		due := int(now.Sub(began).Seconds() * float64(o.rate))
		for ; sent < due && sent < o.count; sent++ {
			frame := prepared.number(sent, 0, sent%o.queues, now)
			at := began.Add(time.Duration(float64(sent) / float64(o.rate) * 1e9))
			binary.BigEndian.PutUint64(frame[body:], uint64(at.UnixNano()))
			batch = append(batch, frame...)
		}
		if len(batch) > 0 {
			if _, done.err = wire.connection.Write(batch); done.err != nil {
				return done
			}
			batch = batch[:0]
		}
		time.Sleep(500 * time.Microsecond)
	}
	// The answers are still on their way.
	time.Sleep(time.Second)
	return done
}

func discardAnswers(wire *stream, count int) {
	for i := 0; i < count; i++ {
		if _, err := wire.next(); err != nil {
			return
		}
	}
}

// receiveQueue takes one queue's part of the messages by long polls, one after the other.
func receiveQueue(o options, queue int) *share {
	count := (o.count + o.queues - 1 - queue) / o.queues
	done := newShare(count)
	wire, err := connect(o.address)
	if err != nil {
		done.err = err
		return done
	}
	defer wire.connection.Close()
	offset, err := maxOffset(wire, o, queue)
	if err != nil {
		done.err = err
		return done
	}
	for id := 1; done.messages < count; id++ {
		if _, done.err = wire.connection.Write(pollFrame(o, id, queue, offset)); done.err != nil {
			return done
		}
		reply, err := wire.next()
		if err != nil {
			done.err = err
			return done
		}
		code, next, _, err := readPull(reply)
		if err != nil {
			done.err = err
			return done
		}
		done.codes[code]++
		if code == found {
			_, body, _ := split(reply)
			done.received(body)
			offset = next
		}
	}
	return done
}

// received notes the latency of each record in the body of a pull's answer.
func (s *share) received(body []byte) {
	for len(body) > 0 {
		due := int64(binary.BigEndian.Uint64(body[bodyAt+4:]))
		s.messages++
		s.took(due)
		body = body[binary.BigEndian.Uint32(body):]
	}
}

func pollFrame(o options, id, queue int, offset int64) []byte {
	header := fmt.Sprintf(`{"code":11,"extFields":{"consumerGroup":"bench-consumer","topic":"%s","queueId":"%d",`+
		`"queueOffset":"%d","maxMsgNums":"32","sysFlag":"6","commitOffset":"0","suspendTimeoutMillis":"15000",`+
		`"subscription":"*","subVersion":"0","expressionType":"TAG"},"flag":0,"language":"JAVA","opaque":%d,`+
		`"serializeTypeCurrentRPC":"JSON","version":479}`, o.topic, queue, offset, id)
	return frame([]byte(header), nil)
}

// maxOffset asks where a queue ends.
func maxOffset(wire *stream, o options, queue int) (int64, error) {
	header := fmt.Sprintf(`{"code":30,"extFields":{"topic":"%s","queueId":"%d"},"flag":0,"language":"JAVA",`+
		`"opaque":0,"serializeTypeCurrentRPC":"JSON","version":479}`, o.topic, queue)
	if _, err := wire.connection.Write(frame([]byte(header), nil)); err != nil {
		return 0, err
	}
	reply, err := wire.next()
	if err != nil {
		return 0, err
	}
	answer, _, err := split(reply)
	if err != nil {
		return 0, err
	}
	offset, ok := number(answer, "offset")
	if !ok {
		return 0, fmt.Errorf("no offset in %s", answer)
	}
	return offset, nil
}
