package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// firstID is the first request id: ten digits, so that every id has as many.
const firstID = 1_000_000_000

// sending is a prepared SEND_MESSAGE_V2 frame and where in it each message differs.
type sending struct {
	frame  []byte
	id     int // request id, 10 digits; 4 bytes in a binary header
	binary bool
	queue  int   // queue id, 1 digit
	topic  int   // number of the topic, 4 digits; −1 with one topic
	born   int   // time of birth, 13 digits
	keys   []int // last 10 digits of each unique key
}

const properties = "UNIQ_KEY\x01%s\x02WAIT\x01true\x02TAGS\x01TagA"

// prepareSend makes a frame as Apache's Java client does: unique key, WAIT and a tag among the properties.
func prepareSend(o options, connection int) sending {
	key := fmt.Sprintf("7F000001%08X%06d", time.Now().UnixMilli()&0xffffffff, connection) + "0000000000"
	topic := o.topic
	if o.topics > 1 {
		topic += "-0000"
	}
	code, isBatch, body := 310, "false", bytes.Repeat([]byte("skylark!"), o.size/8+1)[:o.size]
	if o.batch > 1 {
		code, isBatch, body = 320, "true", batchBody(o.batch, body, fmt.Sprintf(properties, key))
	}
	kind := 0
	if o.mixed {
		kind = connection % kinds
	}
	header, isBinary := headerOf(kind, code, topic, propertiesOf(kind, key), isBatch)
	whole := frame(header, body)
	prepared := sending{
		frame:  whole,
		id:     bytes.Index(whole, []byte("IIIIIIIIII")),
		binary: isBinary,
		queue:  queueAt(whole, isBinary),
		topic:  -1,
		born:   bytes.Index(whole, []byte("BBBBBBBBBBBBB")),
	}
	if isBinary {
		whole[4] = 1
		prepared.id = 8 + 5
	}
	if o.topics > 1 {
		prepared.topic = bytes.Index(whole, []byte(topic)) + len(topic) - 4
	}
	for at := bytes.Index(whole, []byte(key)); at >= 0; {
		prepared.keys = append(prepared.keys, at+len(key)-10)
		next := bytes.Index(whole[at+1:], []byte(key))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return prepared
}

// batchBody is the body of a batch: each message with its size, zeros for magic, checksum and flag, its body and
// its properties.
func batchBody(count int, body []byte, properties string) []byte {
	var out []byte
	for i := 0; i < count; i++ {
		size := 20 + len(body) + 2 + len(properties)
		out = binary.BigEndian.AppendUint32(out, uint32(size))
		out = append(out, make([]byte, 12)...)
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		out = append(out, body...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(properties)))
		out = append(out, properties...)
	}
	return out
}

// number makes the frame that of one request.
func (s *sending) number(index, topic, queue int, now time.Time) []byte {
	if s.binary {
		binary.BigEndian.PutUint32(s.frame[s.id:], uint32(firstID+index))
	} else {
		digits(s.frame[s.id:s.id+10], firstID+int64(index))
	}
	for i, key := range s.keys {
		digits(s.frame[key:key+10], int64(index*len(s.keys)+i))
	}
	digits(s.frame[s.born:s.born+13], now.UnixMilli())
	s.frame[s.queue] = byte('0' + queue)
	if s.topic >= 0 {
		digits(s.frame[s.topic:s.topic+4], int64(topic))
	}
	return s.frame
}

// sendShare sends one connection's part of the messages. What one read brings is answered by one write.
func sendShare(o options, connection int) *share {
	count := o.count / o.connections / o.batch
	done := newShare(count)
	wire, err := connect(o.address)
	if err != nil {
		done.err = err
		return done
	}
	defer wire.connection.Close()
	prepared := prepareSend(o, connection)
	began := make([]int64, count)
	start := time.Now()
	var batch []byte
	sent := 0
	add := func() {
		if sent == count {
			return
		}
		now := time.Now()
		if o.pace > 0 {
			due := start.Add(time.Duration(float64(sent*o.connections+connection) / float64(o.pace) * 1e9))
			time.Sleep(due.Sub(now))
			now = due
		}
		began[sent] = now.UnixNano()
		number := sent*o.connections + connection
		topic, queue := number%o.topics, number/o.topics%o.queues
		batch = append(batch, prepared.number(sent, topic, queue, now)...)
		sent++
	}
	for i := 0; i < o.outstanding; i++ {
		add()
	}
	for done.requests < count {
		if len(batch) > 0 {
			if _, err = wire.connection.Write(batch); err != nil {
				done.err = err
				return done
			}
			batch = batch[:0]
		}
		reply, err := wire.next()
		for ok := err == nil; ok; reply, ok = wire.buffered() {
			if err = done.acknowledge(reply, began, o.batch); err != nil {
				break
			}
			add()
		}
		if err != nil {
			done.err = err
			return done
		}
	}
	return done
}

// acknowledge counts one answer to a send.
func (s *share) acknowledge(reply []byte, began []int64, batch int) error {
	header, _, err := split(reply)
	if err != nil {
		return err
	}
	code, ok := number(header, "code")
	id, found := number(header, "opaque")
	if !ok || !found || id < firstID || id-firstID >= int64(len(began)) {
		return fmt.Errorf("not an answer to a send: %s", header)
	}
	s.codes[int(code)]++
	if code == 0 {
		s.messages += batch
	}
	s.took(began[id-firstID])
	return nil
}
