package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// showMembers: two consumers of a group, a third joins and the first leaves in mid-stream; nothing is lost.
func showMembers(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 6)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	all := newTally()
	perMember := []*tally{newTally(), newTally(), newTally()}
	join := func(i int) (func(), error) {
		return s.consume(s.name("group"), topic, "*",
			func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
				_, _ = perMember[i].taking(ctx, messages...)
				return all.taking(ctx, messages...)
			})
	}
	leave, err := join(0)
	if err != nil {
		return nil, err
	}
	if _, err = join(1); err != nil {
		return nil, err
	}
	sent := 0
	stream := func(n int) error {
		for i := 0; i < n; i++ {
			_, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(fmt.Sprint("m", sent))))
			if err != nil {
				return err
			}
			sent++
		}
		return nil
	}
	// Sends go on until the newcomer has had its share: that is when the group has been divided anew.
	streamUntil := func(what string, check func() bool) error {
		var failure error
		err := waitUntil(what, limit, func() bool {
			if failure = stream(6); failure != nil {
				return true
			}
			return check()
		})
		if failure != nil {
			return failure
		}
		return err
	}
	if err = streamUntil("both consume", func() bool {
		return perMember[0].distinct() > 0 && perMember[1].distinct() > 0
	}); err != nil {
		return nil, err
	}
	if _, err = join(2); err != nil {
		return nil, err
	}
	if err = streamUntil("newcomer consumes", func() bool { return perMember[2].distinct() > 0 }); err != nil {
		return nil, err
	}
	leave()
	if err = stream(60); err != nil {
		return nil, err
	}
	err = all.await(sent, limit)
	return facts{"queues": len(queues), "lost": sent - all.distinct(), "joinedInTurn": err == nil}, err
}

// showOrderly: two orderly consumers; each queue's messages come in order and to one member at a time.
func showOrderly(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 4)
	if err != nil {
		return nil, err
	}
	p, err := s.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return nil, err
	}
	all := newTally()
	var mutex sync.Mutex
	perQueue := map[int][]string{}
	inOrder, inside, overlapped := true, map[int]int{}, false
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			id := message.Queue.QueueId
			mutex.Lock()
			inside[id]++
			overlapped = overlapped || inside[id] > 1
			perQueue[id] = append(perQueue[id], string(message.Body))
			mutex.Unlock()
			time.Sleep(2 * time.Millisecond)
			mutex.Lock()
			inside[id]--
			mutex.Unlock()
		}
		return all.taking(ctx, messages...)
	}
	for i := 0; i < 2; i++ {
		if _, err = s.consume(s.name("group"), topic, "*", listen, consumer.WithConsumerOrder(true)); err != nil {
			return nil, err
		}
	}
	keys := []string{"one", "two", "three", "four"}
	for i := 0; i < 25; i++ {
		for _, key := range keys {
			message := primitive.NewMessage(topic, []byte(fmt.Sprintf("%s-%02d", key, i))).WithShardingKey(key)
			if _, err = p.SendSync(context.Background(), message); err != nil {
				return nil, err
			}
		}
	}
	// A member that lost a queue does not unlock it: the other may wait until the lock runs out.
	if err = all.await(100, 150*time.Second); err != nil {
		return nil, err
	}
	mutex.Lock()
	defer mutex.Unlock()
	for _, key := range keys {
		next := 0
		for _, list := range perQueue {
			for _, body := range list {
				var n int
				if _, err := fmt.Sscanf(body, key+"-%d", &n); err != nil {
					continue
				}
				// A queue that changes hands may repeat messages, but never skip one.
				if n > next {
					inOrder = false
				}
				if n == next {
					next++
				}
			}
		}
	}
	return facts{"queues": len(queues), "received": all.distinct(), "inOrder": inOrder, "overlapped": overlapped}, nil
}

// showOrderlySuspended: an orderly listener that is not ready gets the same message again, before any other.
func showOrderlySuspended(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("ordered", 4)...); err != nil {
		return nil, err
	}
	done, calls := newTally(), newTally()
	refusals := 0
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		_, _ = calls.taking(ctx, messages...)
		if string(messages[0].Body) == "ordered-1" && refusals < 2 {
			refusals++
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		return done.taking(ctx, messages...)
	}
	_, err = s.consume(s.name("group"), queues[0].Topic, "*", listen, consumer.WithConsumerOrder(true))
	if err != nil {
		return nil, err
	}
	err = done.await(4, limit)
	return facts{"calls": calls.list()}, err
}

// showOffsetsBeforeRestart: a group consumes half of what there is, and its offsets are at the broker.
func showOffsetsBeforeRestart(s *session) (facts, error) {
	topic, queues, err := s.topicNamed(s.prefix+"-offsets", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	for _, queue := range queues {
		if err = s.send(p, queue, bodies(fmt.Sprint("before", queue.QueueId), 10)...); err != nil {
			return nil, err
		}
	}
	received := newTally()
	stop, err := s.consume(s.prefix+"-offsets", topic, "*", received.taking)
	if err != nil {
		return nil, err
	}
	if err = received.await(20, limit); err != nil {
		return nil, err
	}
	stop()
	return s.offsetsOf(queues, received.distinct())
}

func (s *session) offsetsOf(queues []*primitive.MessageQueue, received int) (facts, error) {
	shown := facts{"received": received}
	for _, queue := range queues {
		var offset int64
		err := waitUntil("committed offset", limit, func() bool {
			now, ok, err := s.committed(s.prefix+"-offsets", queue)
			offset = now
			return err == nil && ok && now >= 10
		})
		if err != nil {
			return nil, err
		}
		shown[fmt.Sprint("queue", queue.QueueId)] = offset
	}
	return shown, nil
}

// showOffsetsAfterRestart: broker and client are new, the group goes on where it was.
func showOffsetsAfterRestart(s *session) (facts, error) {
	topic := s.prefix + "-offsets"
	a, err := s.admin()
	if err != nil {
		return nil, err
	}
	queues, err := a.FetchPublishMessageQueues(context.Background(), topic)
	if err != nil {
		return nil, err
	}
	shown, err := s.offsetsOf(queues, 0)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	for _, queue := range queues {
		if err = s.send(p, queue, fmt.Sprint("after", queue.QueueId)); err != nil {
			return nil, err
		}
	}
	received := newTally()
	if _, err = s.consume(topic, topic, "*", received.taking); err != nil {
		return nil, err
	}
	if err = received.await(2, limit); err != nil {
		return nil, err
	}
	shown["received"] = len(received.list())
	stored, err := s.readAll(queues)
	shown["stored"] = len(stored)
	return shown, err
}
