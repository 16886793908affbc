package httpapi

import (
	_ "embed" // for the placeholder
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/windhover-io/windhover/api"
)

//go:embed placeholder.html
var placeholder []byte

func (a *API) pageRoutes() {
	a.route("GET", "/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/yaml")
		_, err := w.Write(api.Document)
		return ignoreGone(err)
	})
	asJSON := sync.OnceValues(func() ([]byte, error) {
		var doc map[string]any
		if err := yaml.Unmarshal(api.Document, &doc); err != nil {
			return nil, err
		}
		return json.Marshal(doc)
	})
	a.route("GET", "/openapi.json", func(w http.ResponseWriter, _ *http.Request) error {
		b, err := asJSON()
		if err != nil {
			return err
		}
		return writeRaw(w, http.StatusOK, b)
	})
	for _, path := range []string{"/metrics", "/prometheus"} { // as the reference calls it
		a.mux.Method("GET", path, a.observer.handler())
	}
	a.mux.Get("/", welcome)
	a.mux.Get("/ui", welcome)
	a.mux.Get("/ui/*", welcome)
}

// welcome is what people see who open the server in a browser.
func welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", strings.Join([]string{"default-src 'none'", "style-src 'unsafe-inline'"}, "; "))
	_, _ = w.Write(placeholder)
}
