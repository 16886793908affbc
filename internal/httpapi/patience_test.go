package httpapi

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/config"
)

// TestNobodyAnswers: where no executor runs, who asks hears so in the end.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		defer b.Close()
		a := New(Config{Backend: b, Settings: config.Default(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		began := time.Now()
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodDelete, "/api/v1/executions/some/kill", nil),
			httptest.NewRequest(http.MethodGet, "/api/v1/executions/some/explain", nil),
		} {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no executor has answered") {
				t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
			}
		}
		if took := time.Since(began); took != 2*patience {
			t.Errorf("it took %s", took)
		}
	})
}
