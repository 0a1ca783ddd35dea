package buckettest_test

import (
	"testing"

	"sundog/internal/bucket/buckettest"
)

func TestMemory(t *testing.T) {
	buckettest.Run(t, func(*testing.T) buckettest.Bucket { return buckettest.NewMemory() })
}
