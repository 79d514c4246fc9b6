package main

import (
	"context"
	"fmt"
	"math/rand"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

var uniqueID = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)

// sendFacts tells what of a send's result is the same everywhere.
func sendFacts(result *primitive.SendResult) facts {
	return facts{
		"status":        int(result.Status),
		"uniqueId":      uniqueID.MatchString(result.MsgID),
		"offsetId":      uniqueID.MatchString(result.OffsetMsgID),
		"broker":        result.MessageQueue.BrokerName,
		"queueId":       result.MessageQueue.QueueId,
		"queueOffset":   result.QueueOffset,
		"transactionId": result.TransactionID == result.MsgID,
		"region":        result.RegionID,
		"traceOn":       result.TraceOn,
	}
}

func showSendSync(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 4)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	var sent []facts
	for i := 0; i < 4; i++ {
		message := primitive.NewMessage(queues[0].Topic, []byte("hello"))
		message.WithTag("a").WithKeys([]string{"k1", "k2"})
		message.Queue = queues[2-i/2]
		result, err := p.SendSync(context.Background(), message)
		if err != nil {
			return nil, err
		}
		sent = append(sent, sendFacts(result))
	}
	return facts{"queues": len(queues), "sent": sent}, nil
}

func showSendAsync(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	var waiting sync.WaitGroup
	var mutex sync.Mutex
	statuses := map[string]int{}
	for _, body := range bodies("async", 20) {
		waiting.Add(1)
		err = p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			defer waiting.Done()
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				statuses[textOf(err)]++
				return
			}
			statuses[fmt.Sprint(int(result.Status))]++
		}, primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			return nil, err
		}
	}
	waiting.Wait()
	stored, err := s.readAll(queues)
	return facts{"callbacks": statuses, "stored": len(stored)}, err
}

func showSendOneway(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	for _, body := range bodies("oneway", 10) {
		if err = p.SendOneWay(context.Background(), primitive.NewMessage(topic, []byte(body))); err != nil {
			return nil, err
		}
	}
	tally := newTally()
	c, err := s.pushConsumer(s.name("group"))
	if err != nil {
		return nil, err
	}
	if err = c.Subscribe(topic, consumer.MessageSelector{}, tally.taking); err != nil {
		return nil, err
	}
	if err = c.Start(); err != nil {
		return nil, err
	}
	s.later(func() { _ = c.Shutdown() })
	err = tally.await(10, limit)
	return facts{"queues": len(queues), "received": len(tally.list())}, err
}

func showSendBatch(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	var batch []*primitive.Message
	for _, body := range bodies("batch", 5) {
		batch = append(batch, primitive.NewMessage(topic, []byte(body)).WithTag("t").WithKeys([]string{body}))
	}
	result, err := p.SendSync(context.Background(), batch...)
	if err != nil {
		return nil, err
	}
	ids := strings.Split(result.OffsetMsgID, ",")
	wellFormed := true
	for _, id := range ids {
		wellFormed = wellFormed && uniqueID.MatchString(id)
	}
	stored, err := s.readAll(queues)
	if err != nil {
		return nil, err
	}
	var read []facts
	for _, message := range stored {
		read = append(read, facts{"body": string(message.Body), "offset": message.QueueOffset,
			"tag": message.GetTags(), "keys": message.GetKeys()})
	}
	return facts{"status": int(result.Status), "ids": len(ids), "idsWellFormed": wellFormed,
		"queueOffset": result.QueueOffset, "read": read}, nil
}

// showSendRetry sends to a topic that two brokers have, one of which answers every send with an error.
func showSendRetry(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.producer(producer.WithQueueSelector(producer.NewRoundRobinQueueSelector()))
	if err != nil {
		return nil, err
	}
	brokers, errors := map[string]int{}, map[string]int{}
	for _, body := range bodies("retried", 8) {
		result, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			errors[textOf(err)]++
			continue
		}
		brokers[result.MessageQueue.BrokerName]++
	}
	_, found, err := s.routeOf(topic)
	return facts{"brokersOfTopic": len(found.BrokerDatas), "storedBy": brokers, "errors": errors}, err
}

func showSendHash(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 4)
	if err != nil {
		return nil, err
	}
	p, err := s.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return nil, err
	}
	chosen := map[string][]int{}
	for i := 0; i < 3; i++ {
		for _, key := range []string{"one", "two", "three", "four", "fünf"} {
			message := primitive.NewMessage(topic, []byte(key)).WithShardingKey(key)
			result, err := p.SendSync(context.Background(), message)
			if err != nil {
				return nil, err
			}
			chosen[key] = append(chosen[key], result.MessageQueue.QueueId)
		}
	}
	stored, err := s.readAll(queues)
	return facts{"queueOfKey": chosen, "stored": len(stored)}, err
}

func showSendUnknownTopic(s *session) (facts, error) {
	topic := s.name("unknown")
	before, _, err := s.routeOf(topic)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	result, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("first")))
	if err != nil {
		return nil, err
	}
	var found route
	err = waitUntil("route of "+topic, limit, func() bool {
		code, now, err := s.routeOf(topic)
		found = now
		return err == nil && code == 0
	})
	if err != nil {
		return nil, err
	}
	queue := found.QueueDatas[0]
	return facts{"codeBefore": before, "status": int(result.Status), "queueOffset": result.QueueOffset,
		"read": queue.ReadQueueNums, "write": queue.WriteQueueNums, "perm": queue.Perm}, nil
}

func showSendUnknownTopicRefused(s *session) (facts, error) {
	p, err := s.producer(producer.WithRetry(0))
	if err != nil {
		return nil, err
	}
	topic := s.name("unknown")
	_, err = p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("first")))
	code, _, routeError := s.routeOf(topic)
	return facts{"error": textOf(err), "codeAfter": code}, routeError
}

func showSendRefused(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	refused := facts{}
	try := func(what string, queue primitive.MessageQueue, body []byte, change func(*primitive.Message)) {
		message := primitive.NewMessage(queue.Topic, body)
		message.Queue = &queue
		change(message)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := p.SendSync(ctx, message)
		refused[what] = textOf(err)
	}
	nothing := func(*primitive.Message) {}
	// Random letters do not become small enough when the client compresses them.
	tooLarge := randomLetters(7 << 20)
	try("bodyTooLarge", *queues[0], tooLarge, nothing)
	try("propertiesTooLong", *queues[0], []byte("x"), func(m *primitive.Message) {
		m.WithProperty("long", strings.Repeat("p", 33_000))
	})
	// The remark is the text of a Java exception: only the code can be expected of others.
	try("emptyBody", *queues[0], nil, nothing)
	refused["emptyBody"], _, _ = strings.Cut(refused["emptyBody"].(string), ", DESC")
	try("queueOutOfRange", primitive.MessageQueue{Topic: topic, BrokerName: brokerName, QueueId: 9}, []byte("x"), nothing)
	illegal := primitive.MessageQueue{Topic: "a/b", BrokerName: brokerName}
	try("illegalTopic", illegal, []byte("x"), nothing)
	long := primitive.MessageQueue{Topic: strings.Repeat("t", 128), BrokerName: brokerName}
	try("topicTooLong", long, []byte("x"), nothing)
	system := primitive.MessageQueue{Topic: "SCHEDULE_TOPIC_XXXX", BrokerName: brokerName}
	try("systemTopic", system, []byte("x"), nothing)
	stored, err := s.readAll(queues)
	refused["stored"] = len(stored)
	return refused, err
}

func randomLetters(n int) []byte {
	random := rand.New(rand.NewSource(1))
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(random.Intn(256))
	}
	return body
}

// showSendBodies sends what is hard to carry and reads it back unchanged.
func showSendBodies(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.producer(producer.WithCompressMsgBodyOverHowmuch(4096))
	if err != nil {
		return nil, err
	}
	many := primitive.NewMessage(topic, []byte("many properties")).WithTag("Ünïcødé")
	for i := 0; i < 200; i++ {
		many.WithProperty(fmt.Sprintf("property-%d", i), fmt.Sprintf("wert-%d-äöü-漢字-🐦", i))
	}
	sent := []*primitive.Message{
		many,
		primitive.NewMessage(topic, []byte("漢字 🐦 \"quoted\" \\ \u0001\u0002")),
		primitive.NewMessage(topic, []byte{0}),
		primitive.NewMessage(topic, []byte(strings.Repeat("compressible ", 100_000))),
		primitive.NewMessage(topic, randomLetters(1<<20)),
	}
	for _, message := range sent {
		if _, err = p.SendSync(context.Background(), message); err != nil {
			return nil, err
		}
	}
	stored, err := s.readAll(queues)
	if err != nil {
		return nil, err
	}
	var same []bool
	for i, message := range stored {
		same = append(same, string(message.Body) == string(sent[i].Body))
	}
	unchanged := 0
	for key, value := range many.GetProperties() {
		if len(stored) > 0 && stored[0].GetProperty(key) == value {
			unchanged++
		}
	}
	return facts{"same": same, "propertiesUnchanged": unchanged, "tag": stored[0].GetTags()}, nil
}
