package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const orderKeys = 8

// taken is a message as a member took it; a member prints one a line.
type taken struct {
	Member int
	Queue  int
	Key    int
	Number int
	Nanos  int64
}

// runMember is a process of its own: an orderly consumer that prints what it takes, until its input ends.
func runMember(nameServer, topic, group string, member int) error {
	var mutex sync.Mutex
	out := json.NewEncoder(os.Stdout)
	c, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{nameServer})),
		consumer.WithInstance(fmt.Sprintf("%s-%d", group, member)),
		consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(true),
	)
	if err != nil {
		return err
	}
	err = c.Subscribe(topic, consumer.MessageSelector{},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			mutex.Lock()
			defer mutex.Unlock()
			for _, message := range messages {
				one := taken{Member: member, Queue: message.Queue.QueueId, Nanos: time.Now().UnixNano()}
				if _, err := fmt.Sscan(string(message.Body), &one.Key, &one.Number); err != nil {
					return consumer.SuspendCurrentQueueAMoment, err
				}
				if err := out.Encode(one); err != nil {
					return consumer.SuspendCurrentQueueAMoment, err
				}
			}
			return consumer.ConsumeSuccess, nil
		})
	if err != nil {
		return err
	}
	if err = c.Start(); err != nil {
		return err
	}
	bufio.NewScanner(os.Stdin).Scan()
	return c.Shutdown()
}

// orderLog is what all members took.
type orderLog struct {
	mutex    sync.Mutex
	list     []taken
	distinct map[[2]int]bool
}

func (l *orderLog) add(one taken) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.list = append(l.list, one)
	l.distinct[[2]int{one.Key, one.Number}] = true
}

func (l *orderLog) count() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.distinct)
}

func (l *orderLog) hasWorked(member int) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, one := range l.list {
		if one.Member == member {
			return true
		}
	}
	return false
}

// verdict counts what must not be: a number that is taken before the one in front of it, and what nobody took.
// A member may take again what another took: this client saves the offset of a queue that it gives up without
// waiting for what it is just taking from it.
func (l *orderLog) verdict(sent int) facts {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	sort.SliceStable(l.list, func(i, j int) bool { return l.list[i].Nanos < l.list[j].Nanos })
	next, last := map[int]int{}, map[int]int{}
	inversions := 0
	for _, one := range l.list {
		before, known := last[one.Key]
		isAgain := known && one.Number <= before
		if one.Number > next[one.Key] || (known && !isAgain && one.Number != before+1) {
			inversions++
		}
		last[one.Key] = one.Number
		if one.Number == next[one.Key] {
			next[one.Key]++
		}
	}
	return facts{"lost": sent - len(l.distinct), "inversions": inversions}
}

// member starts a process and collects what it takes. Closing its input lets it leave in peace.
func (s *session) member(l *orderLog, topic string, number int) (*exec.Cmd, func(), error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	command := exec.Command(program, "-n", s.nameServer, "-member", fmt.Sprint(number), topic, s.name("group"))
	input, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err = command.Start(); err != nil {
		return nil, nil, err
	}
	var ended sync.WaitGroup
	ended.Add(1)
	go func() {
		defer ended.Done()
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			var one taken
			if json.Unmarshal(lines.Bytes(), &one) == nil {
				l.add(one)
			}
		}
	}()
	var once sync.Once
	leave := func() {
		once.Do(func() {
			_ = input.Close()
			late := time.AfterFunc(20*time.Second, func() { _ = command.Process.Kill() })
			ended.Wait()
			_ = command.Wait()
			late.Stop()
		})
	}
	s.later(leave)
	return command, leave, nil
}

// showOrderMembers: two members, a third joins, the first leaves, the second is killed; order by key holds.
func showOrderMembers(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 4)
	if err != nil {
		return nil, err
	}
	p, err := s.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return nil, err
	}
	l := &orderLog{distinct: map[[2]int]bool{}}
	sent := 0
	stream := func(what string, enough func() bool) error {
		var failure error
		err := waitUntil(what, 150*time.Second, func() bool {
			for key := 0; key < orderKeys; key++ {
				message := primitive.NewMessage(topic, []byte(fmt.Sprint(key, " ", sent)))
				message.WithShardingKey(fmt.Sprint("key", key))
				if _, failure = p.SendSync(context.Background(), message); failure != nil {
					return true
				}
			}
			sent++
			time.Sleep(50 * time.Millisecond)
			return enough()
		})
		if failure != nil {
			return failure
		}
		return err
	}
	_, leaveFirst, err := s.member(l, topic, 0)
	if err != nil {
		return nil, err
	}
	second, _, err := s.member(l, topic, 1)
	if err != nil {
		return nil, err
	}
	if err = stream("two members", func() bool { return l.hasWorked(0) && l.hasWorked(1) }); err != nil {
		return nil, err
	}
	if _, _, err = s.member(l, topic, 2); err != nil {
		return nil, err
	}
	if err = stream("a third one", func() bool { return l.hasWorked(2) }); err != nil {
		return nil, err
	}
	leaveFirst()
	goal := sent + 20
	if err = stream("after one left", func() bool { return sent >= goal }); err != nil {
		return nil, err
	}
	if err = waitUntil("all before the death", 200*time.Second, func() bool { return l.count() == sent*orderKeys }); err != nil {
		return nil, err
	}
	if err = second.Process.Kill(); err != nil {
		return nil, err
	}
	end := sent + 20
	if err = stream("after one died", func() bool { return sent >= end }); err != nil {
		return nil, err
	}
	err = waitUntil("everything taken", 200*time.Second, func() bool { return l.count() == sent*orderKeys })
	return l.verdict(sent * orderKeys), err
}

// showQueueLocks: a lock keeps others out, is renewed by its owner, given up, and runs out after a minute.
func showQueueLocks(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	address, err := s.brokerAddress()
	if err != nil {
		return nil, err
	}
	request := func(code int, client string, ids ...int) (any, error) {
		set := []map[string]any{}
		for _, id := range ids {
			set = append(set, map[string]any{"topic": topic, "brokerName": queues[0].BrokerName, "queueId": id})
		}
		body, err := json.Marshal(map[string]any{"consumerGroup": s.name("group"), "clientId": client, "mqSet": set})
		if err != nil {
			return nil, err
		}
		header, answer, err := askWith(address, code, map[string]string{}, body)
		if err != nil || code == 42 {
			return header.Code, err
		}
		var got struct {
			LockOKMQSet []struct{ QueueId int }
		}
		if err = json.Unmarshal(answer, &got); err != nil {
			return nil, err
		}
		locked := []int{}
		for _, one := range got.LockOKMQSet {
			locked = append(locked, one.QueueId)
		}
		sort.Ints(locked)
		return locked, nil
	}
	shown := facts{}
	step := func(name string, code int, client string, ids ...int) {
		if err == nil {
			shown[name], err = request(code, client, ids...)
		}
	}
	step("first", 41, "a", 0, 1)
	step("other", 41, "b", 0, 1)
	step("renewed", 41, "a", 0)
	step("unlocked by another", 42, "b", 0)
	step("still held", 41, "b", 0)
	step("unlocked", 42, "a", 0)
	step("taken", 41, "b", 0, 1)
	step("none", 41, "a")
	if err != nil {
		return nil, err
	}
	time.Sleep(45 * time.Second)
	step("renewed after 45 s", 41, "b", 0)
	step("held after 45 s", 41, "b", 1)
	time.Sleep(20 * time.Second)
	step("run out after 65 s", 41, "b", 1)
	step("renewed one after 65 s", 41, "a", 0)
	return shown, err
}
