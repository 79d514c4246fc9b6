package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// consume starts a push consumer of the group whose listener is `listen`; it ends with the behaviour.
func (s *session) consume(group, topic, tags string,
	listen func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error),
	options ...consumer.Option) (stop func(), err error) {
	c, err := s.pushConsumer(group, options...)
	if err != nil {
		return nil, err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: tags}
	if err = c.Subscribe(topic, selector, listen); err != nil {
		return nil, err
	}
	if err = c.Start(); err != nil {
		return nil, err
	}
	var stopped atomic.Bool
	stop = func() {
		if stopped.CompareAndSwap(false, true) {
			_ = c.Shutdown()
		}
	}
	s.later(stop)
	return stop, nil
}

func showPushTags(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	// AaAa and BBBB have one hash: the broker cannot tell them apart, the client must.
	for i, tag := range []string{"a", "b", "c", "", "AaAa", "BBBB"} {
		for _, body := range bodies(fmt.Sprintf("tag%d%s", i, tag), 5) {
			message := primitive.NewMessage(topic, []byte(body))
			if tag != "" {
				message.WithTag(tag)
			}
			if _, err = p.SendSync(context.Background(), message); err != nil {
				return nil, err
			}
		}
	}
	shown := facts{"queues": len(queues)}
	for i, one := range []struct {
		expression string
		expected   int
	}{{"a || b", 10}, {"*", 30}, {"c", 5}, {"AaAa", 5}, {"", 30}, {"a||nothing", 5}} {
		received := newTally()
		if _, err = s.consume(s.name(fmt.Sprint("group", i)), topic, one.expression, received.taking); err != nil {
			return nil, err
		}
		if err = received.await(one.expected, limit); err != nil {
			return nil, fmt.Errorf("%q: %w", one.expression, err)
		}
		list := received.list()
		sort.Strings(list)
		shown["with "+one.expression] = list
	}
	return shown, nil
}

// showPushFromWhere: a queue is young as long as its first message is there; then every new group starts with it.
func showPushFromWhere(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("old", 5)...); err != nil {
		return nil, err
	}
	middle := time.Now().UTC().Format("20060102150405")
	shown := facts{}
	starts := map[string]consumer.ConsumeFromWhere{"first": consumer.ConsumeFromFirstOffset,
		"last": consumer.ConsumeFromLastOffset, "timestamp": consumer.ConsumeFromTimestamp}
	received := map[string]*tally{}
	for name, where := range starts {
		received[name] = newTally()
		_, err = s.consume(s.name(name), topic, "*", received[name].taking,
			consumer.WithConsumeFromWhere(where), consumer.WithConsumeTimestamp(middle))
		if err != nil {
			return nil, err
		}
	}
	time.Sleep(3 * time.Second)
	if err = s.send(p, queues[0], bodies("new", 3)...); err != nil {
		return nil, err
	}
	for name, got := range received {
		if err = got.await(8, 20*time.Second); err != nil {
			shown[name+"Short"] = true
		}
		list := got.list()
		sort.Strings(list)
		shown[name] = list
	}
	return shown, nil
}

func showBroadcast(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 4)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	both := []*tally{newTally(), newTally()}
	for _, one := range both {
		_, err = s.consume(s.name("group"), topic, "*", one.taking, consumer.WithConsumerModel(consumer.BroadCasting))
		if err != nil {
			return nil, err
		}
	}
	for _, body := range bodies("broadcast", 20) {
		if _, err = p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body))); err != nil {
			return nil, err
		}
	}
	shown := facts{}
	for i, one := range both {
		if err = one.await(20, limit); err != nil {
			return nil, err
		}
		shown[fmt.Sprint("member", i)] = len(one.list())
	}
	// A broadcasting group keeps its offsets with the client.
	_, stored, err := s.committed(s.name("group"), queues[0])
	shown["offsetAtBroker"] = stored
	home, _ := os.UserHomeDir()
	files, _ := filepath.Glob(filepath.Join(home, ".rocketmq_client_go", "*"))
	shown["homeWritten"] = len(files) > 0
	return shown, err
}

// showSQL: a broker without the property filter refuses the expression, and nothing is delivered.
func showSQL(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("sql", 3)...); err != nil {
		return nil, err
	}
	address, err := s.brokerAddress()
	if err != nil {
		return nil, err
	}
	// The client only logs the refusal of a pull: ask as it does.
	header, _, err := ask(address, 11, map[string]string{"consumerGroup": s.name("group"), "topic": topic,
		"queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0",
		"suspendTimeoutMillis": "0", "subscription": "a > 1", "subVersion": "0", "expressionType": "SQL92"})
	return facts{"code": header.Code, "remark": normal(header.Remark)}, err
}

// showLongPolling: a consumer that waits gets a message at once, not with the next poll.
func showLongPolling(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	received := newTally()
	if _, err = s.consume(s.name("group"), queues[0].Topic, "*", received.taking); err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], "warm"); err != nil {
		return nil, err
	}
	if err = received.await(1, limit); err != nil {
		return nil, err
	}
	fast := 0
	for i := 0; i < 5; i++ {
		began := time.Now()
		if err = s.send(p, queues[0], fmt.Sprint("poll", i)); err != nil {
			return nil, err
		}
		err = waitUntil("message", limit, func() bool { return received.distinct() == i+2 })
		if err != nil {
			return nil, err
		}
		if time.Since(began) < 2*time.Second {
			fast++
		}
	}
	return facts{"underTwoSeconds": fast}, nil
}

func showDelayLevel(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	arrived := newTally()
	var seen atomic.Value
	_, err = s.consume(s.name("group"), queues[0].Topic, "*",
		func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, message := range messages {
				if string(message.Body) == "level2" {
					seen.Store(facts{"delayProperty": message.GetProperty(primitive.PropertyDelayTimeLevel),
						"realTopic": message.GetProperty(primitive.PropertyRealTopic) == queues[0].Topic,
						"early":     time.Now().UnixMilli()-message.BornTimestamp < 4900})
				}
			}
			return arrived.taking(ctx, messages...)
		})
	if err != nil {
		return nil, err
	}
	send := func(body string, level int) (facts, error) {
		message := primitive.NewMessage(queues[0].Topic, []byte(body)).WithDelayTimeLevel(level)
		message.Queue = queues[0]
		result, err := p.SendSync(context.Background(), message)
		if err != nil {
			return nil, err
		}
		return facts{"status": int(result.Status), "queueId": result.MessageQueue.QueueId}, nil
	}
	two, err := send("level2", 2)
	if err != nil {
		return nil, err
	}
	one, err := send("level1", 1)
	if err != nil {
		return nil, err
	}
	if err = arrived.await(2, limit); err != nil {
		return nil, err
	}
	return facts{"sent": []facts{two, one}, "order": arrived.list(), "level2": seen.Load()}, nil
}
