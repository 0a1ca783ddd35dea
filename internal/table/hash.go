package table

import (
	"crypto/md5" //nolint:gosec // spreads keys, protects nothing
	"encoding/binary"
)

// HashBytes is the number of bytes of a Hash.
const HashBytes = 3

// buckets are the parts that segments of a Scan are made of.
const buckets = 1 << 12

// Hash is where a partition key, or a key of two attributes, lies among others. Items lie in the order of the hash of their partition key, so
// that segments of a Scan have about the same size, and a Scan goes through them in the order that DynamoDB itself shows. sort may be
// the zero Value.
func Hash(partition, sort Value) [HashBytes]byte {
	h := md5.New() //nolint:gosec // see above
	h.Write([]byte("Outliers"))
	h.Write(partition.hashed())
	h.Write(sort.hashed())
	return [HashBytes]byte(h.Sum(nil))
}

// Bucket is the part of the table that a partition key lies in, from 0 to 4,095.
func Bucket(partition Value) int {
	h := Hash(partition, Value{})
	return int(binary.BigEndian.Uint16(h[:2]) >> 4)
}

// FirstBucket and EndBucket bound the segment of a Scan: the first is included, the end is not.
func (q *Query) FirstBucket() int { return bucketOf(q.Segment, q.TotalSegments) }

// EndBucket is the end of the segment of a Scan.
func (q *Query) EndBucket() int { return bucketOf(q.Segment+1, q.TotalSegments) }

func bucketOf(segment, total int) int {
	if total <= 1 {
		return segment * buckets
	}
	return int((int64(buckets)*int64(segment) + int64(total) - 1) / int64(total))
}

// hashed are the bytes of a key that its hash is made of.
func (v Value) hashed() []byte {
	if v.Type == N {
		return parsedDecimal(v.Text).hashed()
	}
	return []byte(v.Text)
}

// hashed is a number as two decimal digits to the byte behind an exponent of hundred, negative ones inverted and with an end.
func (d decimal) hashed() []byte {
	if d.digits == "" {
		return []byte{0x80}
	}
	exponent := d.exponent + 1
	digits := d.digits
	if exponent%2 != 0 {
		digits = "0" + digits
		exponent++
	}
	if len(digits)%2 != 0 {
		digits += "0"
	}
	out := []byte{byte(exponent/2 - 64)}
	if d.negative {
		out[0] = ^out[0]
	}
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i]-'0')*10 + digits[i+1] - '0'
		if d.negative {
			out = append(out, 101-pair)
		} else {
			out = append(out, pair+1)
		}
	}
	if d.negative && len(out) <= 20 {
		out = append(out, 102)
	}
	return out
}
