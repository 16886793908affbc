package bucket

import (
	"strings"
	"testing"
)

func TestMetadataTooLarge(t *testing.T) {
	if _, err := encodeMetadata(map[string]string{"k": strings.Repeat("v", maxMetadata)}); err == nil || !strings.Contains(err.Error(), "more than the 2000") {
		t.Error(err)
	}
}
