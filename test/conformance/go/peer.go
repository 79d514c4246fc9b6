package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// described is a message as a command has it; the body is in Base64.
type described struct {
	Body       string            `json:"body"`
	Tag        string            `json:"tag"`
	Keys       string            `json:"keys"`
	Properties map[string]string `json:"properties"`
}

// command is a line of standard input; ../sdk/peers.mjs tells which there are.
type command struct {
	ID         int         `json:"id"`
	Do         string      `json:"do"`
	NameServer string      `json:"nameServer"`
	Group      string      `json:"group"`
	Topic      string      `json:"topic"`
	Ordered    bool        `json:"ordered"`
	WorkMs     int         `json:"workMs"`
	Member     int         `json:"member"`
	Messages   []described `json:"messages"`
}

// peer does with Apache's Go client what the lines of its standard input say.
type peer struct {
	printing  sync.Mutex
	mutex     sync.Mutex
	producers map[string]rocketmq.Producer
	members   map[int]rocketmq.PushConsumer
}

func runPeer() {
	p := &peer{producers: map[string]rocketmq.Producer{}, members: map[int]rocketmq.PushConsumer{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		go func() {
			if err := p.run(c); err != nil {
				p.tell(c, "failed", facts{"error": err.Error()})
			}
		}()
	}
}

func (p *peer) tell(c command, event string, more facts) {
	all := facts{"id": c.ID, "event": event}
	for name, value := range more {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	p.printing.Lock()
	defer p.printing.Unlock()
	fmt.Println(string(text))
}

func (p *peer) run(c command) error {
	switch c.Do {
	case "consume":
		return p.consume(c)
	case "stop":
		p.mutex.Lock()
		member := p.members[c.Member]
		p.mutex.Unlock()
		if err := member.Shutdown(); err != nil {
			return err
		}
		p.tell(c, "stopped", nil)
		return nil
	case "produce":
		return p.produce(c)
	}
	return fmt.Errorf("cannot %s", c.Do)
}

func (p *peer) consume(c command) error {
	member, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{c.NameServer})),
		consumer.WithInstance(fmt.Sprintf("go%d", c.ID)),
		consumer.WithGroupName(c.Group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(c.Ordered),
	)
	if err != nil {
		return err
	}
	take := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			p.take(c, message)
		}
		return consumer.ConsumeSuccess, nil
	}
	if err = member.Subscribe(c.Topic, consumer.MessageSelector{}, take); err != nil {
		return err
	}
	if err = member.Start(); err != nil {
		return err
	}
	p.mutex.Lock()
	p.members[c.ID] = member
	p.mutex.Unlock()
	p.tell(c, "ready", nil)
	return nil
}

func (p *peer) take(c command, message *primitive.MessageExt) {
	begin := time.Now().UnixMilli()
	time.Sleep(time.Duration(c.WorkMs) * time.Millisecond)
	own := map[string]string{}
	for name, value := range message.GetProperties() {
		if strings.HasPrefix(name, "own") {
			own[name] = value
		}
	}
	p.tell(c, "got", facts{
		"queueId": message.Queue.QueueId, "begin": begin, "end": time.Now().UnixMilli(),
		"body": base64.StdEncoding.EncodeToString(message.Body), "tag": message.GetTags(),
		"keys": message.GetKeys(), "properties": own,
	})
}

func (p *peer) producer(nameServer string) (rocketmq.Producer, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known := p.producers[nameServer]; known != nil {
		return known, nil
	}
	made, err := rocketmq.NewProducer(
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{nameServer})),
		producer.WithInstanceName(fmt.Sprintf("go-producer%d", len(p.producers))),
		producer.WithGroupName("go-peer"),
		producer.WithSendMsgTimeout(10*time.Second),
	)
	if err != nil {
		return nil, err
	}
	if err = made.Start(); err != nil {
		return nil, err
	}
	p.producers[nameServer] = made
	return made, nil
}

func (p *peer) produce(c command) error {
	sender, err := p.producer(c.NameServer)
	if err != nil {
		return err
	}
	statuses := []string{}
	for _, each := range c.Messages {
		body, err := base64.StdEncoding.DecodeString(each.Body)
		if err != nil {
			return err
		}
		message := primitive.NewMessage(c.Topic, body)
		if each.Tag != "" {
			message.WithTag(each.Tag)
		}
		if each.Keys != "" {
			message.WithKeys(strings.Split(each.Keys, " "))
		}
		for name, value := range each.Properties {
			message.WithProperty(name, value)
		}
		sent, err := sender.SendSync(context.Background(), message)
		if err != nil {
			return err
		}
		if sent.Status == primitive.SendOK {
			statuses = append(statuses, "SEND_OK")
		} else {
			statuses = append(statuses, fmt.Sprint(sent.Status))
		}
	}
	p.tell(c, "sent", facts{"statuses": statuses})
	return nil
}
