package main

import (
	"bytes"
	"fmt"
	"time"
)

// firstID is the first request id: ten digits, so that every id has as many.
const firstID = 1_000_000_000

// sending is a prepared SEND_MESSAGE_V2 frame and where in it each message differs.
type sending struct {
	frame []byte
	id    int // request id, 10 digits
	queue int // queue id, 1 digit
	born  int // time of birth, 13 digits
	key   int // last 10 digits of the unique key
}

// prepareSend makes a frame as Apache's Java client does: unique key, WAIT and a tag among the properties.
func prepareSend(o options, connection int) sending {
	key := fmt.Sprintf("7F000001%08X%06d", time.Now().UnixMilli()&0xffffffff, connection) + "0000000000"
	properties := `UNIQ_KEY\u0001` + key + `\u0002WAIT\u0001true\u0002TAGS\u0001TagA`
	header := fmt.Sprintf(`{"code":310,"extFields":{"a":"bench-producer","b":"%s","c":"TBW102","d":"4","e":"Q",`+
		`"f":"0","g":"BBBBBBBBBBBBB","h":"0","i":"%s","j":"0","k":"false","m":"false"},"flag":0,"language":"JAVA",`+
		`"opaque":IIIIIIIIII,"serializeTypeCurrentRPC":"JSON","version":479}`, o.topic, properties)
	body := bytes.Repeat([]byte("skylark!"), o.size/8+1)[:o.size]
	whole := frame([]byte(header), body)
	return sending{
		frame: whole,
		id:    bytes.Index(whole, []byte(`"opaque":`)) + len(`"opaque":`),
		queue: bytes.Index(whole, []byte(`"e":"Q"`)) + len(`"e":"`),
		born:  bytes.Index(whole, []byte(`"g":"`)) + len(`"g":"`),
		key:   bytes.Index(whole, []byte(key)) + len(key) - 10,
	}
}

// number makes the frame that of one message.
func (s *sending) number(index int, queue int, now time.Time) []byte {
	digits(s.frame[s.id:s.id+10], firstID+int64(index))
	digits(s.frame[s.key:s.key+10], int64(index))
	digits(s.frame[s.born:s.born+13], now.UnixMilli())
	s.frame[s.queue] = byte('0' + queue)
	return s.frame
}

// sendShare sends one connection's part of the messages. What one read brings is answered by one write.
func sendShare(o options, connection int) *share {
	count := o.count / o.connections
	done := newShare(count)
	wire, err := connect(o.address)
	if err != nil {
		done.err = err
		return done
	}
	defer wire.connection.Close()
	prepared := prepareSend(o, connection)
	began := make([]int64, count)
	var batch []byte
	sent := 0
	add := func() {
		if sent == count {
			return
		}
		now := time.Now()
		began[sent] = now.UnixNano()
		batch = append(batch, prepared.number(sent, (sent+connection)%o.queues, now)...)
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
			if err = done.acknowledge(reply, began); err != nil {
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
func (s *share) acknowledge(reply []byte, began []int64) error {
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
		s.messages++
	}
	s.took(began[id-firstID])
	return nil
}
