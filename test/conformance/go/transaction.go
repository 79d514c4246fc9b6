package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const (
	endTransaction   = 37
	commitMessage    = 8
	rollbackMessage  = 12
	offsetInID       = 16
	hexadecimal      = 16
	waitsForAnOutcry = time.Second
)

// undecided never knows at once, and answers checks as `answer` says.
type undecided struct {
	mutex  sync.Mutex
	checks map[string]int
	answer primitive.LocalTransactionState
}

func (u *undecided) ExecuteLocalTransaction(*primitive.Message) primitive.LocalTransactionState {
	return primitive.UnknowState
}

func (u *undecided) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.checks[string(message.Body)]++
	return u.answer
}

func (u *undecided) count() int {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return len(u.checks)
}

func (s *session) transactionProducer(judge primitive.TransactionListener) (rocketmq.TransactionProducer, error) {
	p, err := rocketmq.NewTransactionProducer(judge, producer.WithNsResolver(s.resolver()),
		producer.WithInstanceName(s.instance()), producer.WithGroupName(s.name("producer")))
	if err != nil {
		return nil, err
	}
	return p, p.Start()
}

// showTransactionFailOver: a producer goes before anybody asks it, and another one of its group is asked.
func showTransactionFailOver(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	first := &undecided{checks: map[string]int{}, answer: primitive.UnknowState}
	gone, err := s.transactionProducer(first)
	if err != nil {
		return nil, err
	}
	for _, body := range []string{"one", "two"} {
		if _, err = gone.SendMessageInTransaction(context.Background(), primitive.NewMessage(topic, []byte(body))); err != nil {
			return nil, err
		}
	}
	if err = gone.Shutdown(); err != nil {
		return nil, err
	}
	second := &undecided{checks: map[string]int{}, answer: primitive.CommitMessageState}
	p, err := s.transactionProducer(second)
	if err != nil {
		return nil, err
	}
	s.later(func() { _ = p.Shutdown() })
	// A client sends heartbeats, every 30 s, to the brokers of topics that it has sent to.
	if _, err = p.SendMessageInTransaction(context.Background(), primitive.NewMessage(topic, []byte("hello"))); err != nil {
		return nil, err
	}
	if err = waitUntil("all asked", 2*limit, func() bool { return second.count() == 3 }); err != nil {
		return nil, err
	}
	time.Sleep(waitsForAnOutcry)
	messages, err := s.readAll(queues)
	if err != nil {
		return nil, err
	}
	return facts{"askedOfTheFirst": first.count(), "askedOfTheSecond": second.count(), "delivered": len(messages)}, nil
}

// showTransactionEnd: END_TRANSACTION in right and wrong forms, word by word.
func showTransactionEnd(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.transactionProducer(&undecided{checks: map[string]int{}, answer: primitive.UnknowState})
	if err != nil {
		return nil, err
	}
	s.later(func() { _ = p.Shutdown() })
	address, err := s.brokerAddress()
	if err != nil {
		return nil, err
	}
	end := func(body string, how int, times int, changes map[string]string) (string, error) {
		result, err := p.SendMessageInTransaction(context.Background(), primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			return "", err
		}
		offset, err := strconv.ParseInt(result.OffsetMsgID[offsetInID:], hexadecimal, 64)
		if err != nil {
			return "", err
		}
		fields := map[string]string{
			"producerGroup": s.name("producer"), "tranStateTableOffset": strconv.FormatInt(result.QueueOffset, 10),
			"commitLogOffset": strconv.FormatInt(offset, 10), "commitOrRollback": strconv.Itoa(how),
			"fromTransactionCheck": "false", "msgId": result.MsgID, "transactionId": result.TransactionID}
		for name, value := range changes {
			fields[name] = value
		}
		answers := ""
		for ; times > 0; times-- {
			header, _, err := ask(address, endTransaction, fields)
			if err != nil {
				return "", err
			}
			answers += strconv.Itoa(header.Code) + " " + header.Remark + ";"
		}
		return answers, nil
	}
	answers := facts{}
	for _, one := range []struct {
		body    string
		how     int
		times   int
		changes map[string]string
	}{
		{"committed", commitMessage, 1, nil},
		{"rolled back", rollbackMessage, 1, nil},
		{"twice", commitMessage, 2, nil},
		{"wrong group", commitMessage, 1, map[string]string{"producerGroup": "nobody"}},
		{"wrong offset", commitMessage, 1, map[string]string{"tranStateTableOffset": "1000000"}},
		{"no half message", rollbackMessage, 1, map[string]string{"commitLogOffset": "1099511627776"}},
	} {
		if answers[one.body], err = end(one.body, one.how, one.times, one.changes); err != nil {
			return nil, err
		}
	}
	messages, err := s.readAll(queues)
	if err != nil {
		return nil, err
	}
	delivered := map[string]int{}
	for _, message := range messages {
		delivered[string(message.Body)]++
	}
	return facts{"answers": answers, "delivered": delivered}, nil
}
