package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// showRetryAndDeadLetter: a listener that always fails gets the message again, and in the end it is a dead letter.
func showRetryAndDeadLetter(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	group := s.name("group")
	var mutex sync.Mutex
	var deliveries []facts
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mutex.Lock()
		defer mutex.Unlock()
		if concurrently, ok := primitive.GetConcurrentlyCtx(ctx); ok {
			concurrently.DelayLevelWhenNextConsume = 1
		}
		for _, message := range messages {
			deliveries = append(deliveries, facts{"body": string(message.Body), "reconsumeTimes": message.ReconsumeTimes,
				"topic": message.Topic, "origin": message.GetProperty(primitive.PropertyOriginMessageId) != "",
				"keys": message.GetKeys()})
		}
		return consumer.ConsumeRetryLater, nil
	}
	if _, err = s.consume(group, queues[0].Topic, "*", listen, consumer.WithMaxReconsumeTimes(2)); err != nil {
		return nil, err
	}
	message := primitive.NewMessage(queues[0].Topic, []byte("poison")).WithKeys([]string{"key"})
	message.Queue = queues[0]
	if _, err = p.SendSync(context.Background(), message); err != nil {
		return nil, err
	}
	dead := &primitive.MessageQueue{Topic: "%DLQ%" + group, BrokerName: brokerName, QueueId: 0}
	err = waitUntil("dead letter", 180*time.Second, func() bool {
		code, _, err := s.routeOf(dead.Topic)
		if err != nil || code != 0 {
			return false
		}
		end, err := s.offsetBy(getMaxOffset, dead)
		return err == nil && end > 0
	})
	if err != nil {
		return nil, err
	}
	letters, err := s.readAll([]*primitive.MessageQueue{dead})
	if err != nil {
		return nil, err
	}
	_, found, err := s.routeOf(dead.Topic)
	if err != nil {
		return nil, err
	}
	var read []facts
	for _, letter := range letters {
		read = append(read, facts{"body": string(letter.Body), "reconsumeTimes": letter.ReconsumeTimes,
			"retryTopic": letter.GetProperty(primitive.PropertyRetryTopic),
			"origin":     letter.GetProperty(primitive.PropertyOriginMessageId) != "", "keys": letter.GetKeys()})
	}
	mutex.Lock()
	defer mutex.Unlock()
	return facts{"deliveries": deliveries, "deadLetters": read, "deadLetterQueues": found.QueueDatas[0].WriteQueueNums,
		"deadLetterPerm": found.QueueDatas[0].Perm}, nil
}

// decider settles a transaction by the message's body.
type decider struct {
	mutex  sync.Mutex
	checks map[string]int
}

func (d *decider) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	switch {
	case strings.HasPrefix(string(message.Body), "commit"):
		return primitive.CommitMessageState
	case strings.HasPrefix(string(message.Body), "rollback"):
		return primitive.RollbackMessageState
	}
	return primitive.UnknowState
}

func (d *decider) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.checks[string(message.Body)]++
	if string(message.Body) == "later-commit" {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

// showTransaction: committed ones arrive, rolled back ones do not, and the broker asks back for the others.
func showTransaction(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	judge := &decider{checks: map[string]int{}}
	p, err := rocketmq.NewTransactionProducer(judge, producer.WithNsResolver(s.resolver()),
		producer.WithInstanceName(s.instance()), producer.WithGroupName(s.name("producer")))
	if err != nil {
		return nil, err
	}
	if err = p.Start(); err != nil {
		return nil, err
	}
	s.later(func() { _ = p.Shutdown() })
	received := newTally()
	if _, err = s.consume(s.name("group"), topic, "*", received.taking); err != nil {
		return nil, err
	}
	states := facts{}
	for _, body := range []string{"commit-1", "commit-2", "rollback-1", "later-commit", "later-rollback"} {
		result, err := p.SendMessageInTransaction(context.Background(), primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			return nil, err
		}
		states[body] = []int{int(result.Status), int(result.State)}
	}
	if err = received.await(3, 150*time.Second); err != nil {
		return nil, err
	}
	err = waitUntil("both asked back", limit, func() bool {
		judge.mutex.Lock()
		defer judge.mutex.Unlock()
		return len(judge.checks) == 2
	})
	judge.mutex.Lock()
	defer judge.mutex.Unlock()
	asked := []bool{judge.checks["later-commit"] > 0, judge.checks["later-rollback"] > 0}
	return facts{"states": states, "delivered": countsOf(received), "askedBack": asked, "askedOthers": len(judge.checks) > 2}, err
}

func countsOf(t *tally) map[string]int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	copied := map[string]int{}
	for body, n := range t.counts {
		copied[body] = n
	}
	return copied
}

// showRequestReply: a request comes back with its answer, and one that nobody answers runs out of time.
func showRequestReply(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	// A reply reaches only a producer that has sent a heartbeat; the consumer of the same client sends it at once.
	shared := s.instance()
	p, err := s.producer(producer.WithInstanceName(shared))
	if err != nil {
		return nil, err
	}
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			if string(message.Body) == "ignored" {
				continue
			}
			reply, err := consumer.CreateReplyMessage(message, nil)
			if err != nil {
				return consumer.ConsumeRetryLater, err
			}
			// The client forgets the body that it was given.
			reply.Body = []byte("re: " + string(message.Body))
			if _, err = p.SendSync(ctx, reply); err != nil {
				return consumer.ConsumeRetryLater, err
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	if _, err = s.consume(s.name("group"), topic, "*", listen, consumer.WithInstance(shared)); err != nil {
		return nil, err
	}
	answers := []string{}
	for _, question := range []string{"one", "two"} {
		reply, err := p.Request(context.Background(), 30*time.Second, primitive.NewMessage(topic, []byte(question)))
		if err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}
		answers = append(answers, string(reply.Body))
	}
	_, err = p.Request(context.Background(), 3*time.Second, primitive.NewMessage(topic, []byte("ignored")))
	return facts{"answers": answers, "ignored": textOf(err)}, nil
}
