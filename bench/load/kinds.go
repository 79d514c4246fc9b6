package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// kinds of clients: what each connection's requests look like when clients are mixed. Placeholders are Q for the queue,
// ten I for the request id, thirteen B for the time of birth.
const kinds = 8

var escaper = strings.NewReplacer("\x01", `\u0001`, "\x02", `\u0002`)

var longNames = map[string]string{"a": "producerGroup", "b": "topic", "c": "defaultTopic", "d": "defaultTopicQueueNums",
	"e": "queueId", "f": "sysFlag", "g": "bornTimestamp", "h": "flag", "i": "properties", "j": "reconsumeTimes",
	"k": "unitMode", "m": "batch"}

// pairs are fields in the order of their short names.
func pairs(topic, properties, isBatch string) [][2]string {
	return [][2]string{{"a", "bench-producer"}, {"b", topic}, {"c", "TBW102"}, {"d", "4"}, {"e", "Q"}, {"f", "0"},
		{"g", "BBBBBBBBBBBBB"}, {"h", "0"}, {"i", properties}, {"j", "0"}, {"k", "false"}, {"m", isBatch}}
}

func jsonOf(fields [][2]string) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = fmt.Sprintf(`"%s":"%s"`, f[0], escaper.Replace(f[1]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// propertiesOf is what a kind of client puts into its messages.
func propertiesOf(kind int, key string) string {
	switch kind {
	case 1:
		return "KEYS\x01" + key + "\x02user\x01u17\x02UNIQ_KEY\x01" + key + "\x02WAIT\x01true\x02region\x01eu\x02TAGS\x01paid"
	case 2:
		return "UNIQ_KEY\x01" + key + "\x02TAGS\x01TagA\x02"
	case 4, 5:
		return "TAGS\x01TagA\x02UNIQ_KEY\x01" + key + "\x02WAIT\x01true\x02"
	case 6:
		return "WAIT\x01true\x02UNIQ_KEY\x01" + key
	}
	return fmt.Sprintf(properties, key)
}

// headerOf is the header of a kind of client, and whether it is a binary one.
func headerOf(kind, code int, topic, properties, isBatch string) (header []byte, binary bool) {
	fields := pairs(topic, properties, isBatch)
	text := ""
	switch kind {
	case 2: // Go
		text = fmt.Sprintf(`{"code":%d,"language":"GO","version":317,"opaque":IIIIIIIIII,"flag":0,"remark":"","extFields":%s}`,
			code, jsonOf(fields))
	case 3: // the binary header
		return binaryHeader(code, fields), true
	case 5: // C++, with the long names in their order
		if code == 310 {
			code = 10
			for i := range fields {
				fields[i][0] = longNames[fields[i][0]]
			}
			sortPairs(fields)
		}
		text = fmt.Sprintf(`{"code":%d,"extFields":%s,"flag":0,"language":"CPP","opaque":IIIIIIIIII,"version":253}`,
			code, jsonOf(fields))
	case 6: // another order
		for i, j := 0, len(fields)-1; i < j; i, j = i+1, j-1 {
			fields[i], fields[j] = fields[j], fields[i]
		}
		text = fmt.Sprintf(`{"opaque":IIIIIIIIII,"flag":0,"extFields":%s,"version":400,"language":"OTHER","code":%d}`,
			jsonOf(fields), code)
	case 7: // fields that were added later
		fields = append(fields, [2]string{"n", "broker-a"})
		fallthrough
	default: // Java, and ours
		text = fmt.Sprintf(`{"code":%d,"extFields":%s,"flag":0,"language":"JAVA","opaque":IIIIIIIIII,`+
			`"serializeTypeCurrentRPC":"JSON","version":479}`, code, jsonOf(fields))
	}
	return []byte(text), false
}

func sortPairs(fields [][2]string) {
	for i := range fields {
		for j := i; j > 0 && fields[j][0] < fields[j-1][0]; j-- {
			fields[j], fields[j-1] = fields[j-1], fields[j]
		}
	}
}

func binaryHeader(code int, fields [][2]string) []byte {
	var list []byte
	for _, f := range fields {
		list = binary.BigEndian.AppendUint16(list, uint16(len(f[0])))
		list = append(list, f[0]...)
		list = binary.BigEndian.AppendUint32(list, uint32(len(f[1])))
		list = append(list, f[1]...)
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(code))
	out = append(out, 0)
	out = binary.BigEndian.AppendUint16(out, 479)
	out = append(out, make([]byte, 4+4+4)...) // request id, flag, remark
	out = binary.BigEndian.AppendUint32(out, uint32(len(list)))
	return append(out, list...)
}

// queueAt finds the place of the queue in a frame.
func queueAt(whole []byte, isBinary bool) int {
	if isBinary {
		return bytes.Index(whole, []byte("\x00\x00\x00\x01Q")) + 4
	}
	return bytes.Index(whole, []byte(`"Q"`)) + 1
}
