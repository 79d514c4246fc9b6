package main

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Answers to a pull.
const (
	found           = 0
	pullNotFound    = 19
	pullRetry       = 20
	pullOffsetMoved = 21
)

func pullFrame(o options, id, queue int, offset int64) []byte {
	header := fmt.Sprintf(`{"code":11,"extFields":{"consumerGroup":"bench-consumer","topic":"%s","queueId":"%d",`+
		`"queueOffset":"%d","maxMsgNums":"32","sysFlag":"4","commitOffset":"0","suspendTimeoutMillis":"0",`+
		`"subscription":"*","subVersion":"0","expressionType":"TAG"},"flag":0,"language":"JAVA","opaque":%d,`+
		`"serializeTypeCurrentRPC":"JSON","version":479}`, o.topic, queue, offset, id)
	return frame([]byte(header), nil)
}

// countRecords walks the records of an answer's body by their sizes.
func countRecords(body []byte) (int, error) {
	records := 0
	for len(body) > 0 {
		if len(body) < 4 {
			return records, fmt.Errorf("a record ends within its size")
		}
		size := int(binary.BigEndian.Uint32(body))
		if size < 4 || size > len(body) {
			return records, fmt.Errorf("a record of %d bytes in %d", size, len(body))
		}
		body = body[size:]
		records++
	}
	return records, nil
}

// pullShare reads with one consumer, which has every so-manieth queue; it begins again at a queue's end.
func pullShare(o options, connection int) *share {
	count := o.count / o.connections
	done := newShare(count/16 + 1)
	wire, err := connect(o.address)
	if err != nil {
		done.err = err
		return done
	}
	defer wire.connection.Close()
	queue, offset, empty := connection%o.queues, int64(0), 0
	for id := 0; done.messages < count; id++ {
		began := time.Now().UnixNano()
		if _, done.err = wire.connection.Write(pullFrame(o, id, queue, offset)); done.err != nil {
			return done
		}
		reply, err := wire.next()
		if err != nil {
			done.err = err
			return done
		}
		code, next, records, err := readPull(reply)
		if err != nil {
			done.err = err
			return done
		}
		done.codes[code]++
		done.messages += records
		offset = next
		switch code {
		case found:
			done.took(began)
			empty = 0
		case pullNotFound, pullOffsetMoved, pullRetry:
			// The end of the queue: the next of this consumer's queues, from its beginning.
			queue, offset = (queue+o.connections)%o.queues, 0
			if empty++; empty > o.queues {
				done.err = fmt.Errorf("the topic %s is empty", o.topic)
				return done
			}
		default:
			header, _, _ := split(reply)
			done.err = fmt.Errorf("pull refused: %s", header)
			return done
		}
	}
	return done
}

func readPull(reply []byte) (code int, next int64, records int, err error) {
	header, body, err := split(reply)
	if err != nil {
		return 0, 0, 0, err
	}
	value, ok := number(header, "code")
	next, _ = number(header, "nextBeginOffset")
	if !ok {
		return 0, 0, 0, fmt.Errorf("no code in %s", header)
	}
	if value == found {
		records, err = countRecords(body)
	}
	return int(value), next, records, err
}
