package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Request codes of the questions that the client does not ask by itself.
const (
	queryConsumerOffset = 14
	getMaxOffset        = 30
	getMinOffset        = 31
)

// offsetBy asks the broker for one offset of a queue: getMaxOffset or getMinOffset.
func (s *session) offsetBy(code int, queue *primitive.MessageQueue) (int64, error) {
	address, err := s.brokerAddress()
	if err != nil {
		return 0, err
	}
	header, _, err := ask(address, code, map[string]string{
		"topic": queue.Topic, "queueId": strconv.Itoa(queue.QueueId), "committed": "true"})
	if err != nil {
		return 0, err
	}
	if header.Code != 0 {
		return 0, fmt.Errorf("request %d: code %d %s", code, header.Code, header.Remark)
	}
	return strconv.ParseInt(header.ExtFields["offset"], 10, 64)
}

// committed is the group's stored offset of the queue; ok is false when there is none.
func (s *session) committed(group string, queue *primitive.MessageQueue) (offset int64, ok bool, err error) {
	address, err := s.brokerAddress()
	if err != nil {
		return 0, false, err
	}
	header, _, err := ask(address, queryConsumerOffset, map[string]string{
		"consumerGroup": group, "topic": queue.Topic, "queueId": strconv.Itoa(queue.QueueId),
		"setZeroIfNotFound": "false"})
	if err != nil || header.Code != 0 {
		return 0, false, err
	}
	offset, err = strconv.ParseInt(header.ExtFields["offset"], 10, 64)
	return offset, true, err
}

// readAll pulls everything that the queues hold, queue by queue, with a consumer of its own.
func (s *session) readAll(queues []*primitive.MessageQueue) ([]*primitive.MessageExt, error) {
	// What was acknowledged a moment ago may not be in the consume queue yet.
	time.Sleep(300 * time.Millisecond)
	c, err := s.puller(s.name("reader"), queues[0].Topic)
	if err != nil {
		return nil, err
	}
	sorted := append([]*primitive.MessageQueue(nil), queues...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].QueueId < sorted[j].QueueId })
	var all []*primitive.MessageExt
	for _, queue := range sorted {
		end, err := s.offsetBy(getMaxOffset, queue)
		if err != nil {
			return nil, err
		}
		for offset := int64(0); offset < end; {
			result, err := c.PullFrom(context.Background(), queue, offset, 32)
			if err != nil {
				return nil, err
			}
			if result.Status == primitive.PullFound {
				all = append(all, result.GetMessageExts()...)
			}
			if result.NextBeginOffset <= offset {
				return nil, fmt.Errorf("pull at %d of %d does not go on: status %d", offset, end, result.Status)
			}
			offset = result.NextBeginOffset
		}
	}
	return all, nil
}
