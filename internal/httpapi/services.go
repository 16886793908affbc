package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

func (a *API) serviceRoutes() {
	a.route("GET", "/instance/services/search", a.searchServices)
	a.route("GET", "/instance/services/active", a.activeServices)
	a.route("GET", "/instance/services/{id}", a.getService)
}

// service is a component of a process.
type service struct {
	ID      string              `json:"id"`
	Type    string              `json:"type"`
	State   backend.MemberState `json:"state"`
	Server  serverInstance      `json:"server"`
	Group   string              `json:"workerGroup,omitempty"`
	Created time.Time           `json:"createdAt"`
	Updated time.Time           `json:"updatedAt"`
}

// serverInstance is the process that a component is part of.
type serverInstance struct {
	ID       string `json:"id"`
	Version  string `json:"version"`
	Hostname string `json:"hostname"`
}

// services lists the components that are alive, or were a while ago, by type and age.
func (a *API) services(r *http.Request) ([]service, error) {
	members, err := a.Backend.List(r.Context())
	if err != nil {
		return nil, err
	}
	out := make([]service, len(members))
	for i, m := range members {
		out[i] = service{m.ID, m.Kind, m.State, serverInstance{m.ID, m.Version, m.Host}, m.Group, m.Started, cmp.Or(m.Beat, m.Started)}
	}
	slices.SortFunc(out, func(a, b service) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (a *API) searchServices(w http.ResponseWriter, r *http.Request) error {
	q, err := ofNothing.query(r)
	if err != nil {
		return err
	}
	list, err := a.services(r)
	if err != nil {
		return err
	}
	v := r.URL.Query()
	list = slices.DeleteFunc(list, func(s service) bool {
		return len(v["state"]) > 0 && !slices.Contains(v["state"], string(s.State)) || len(v["type"]) > 0 && !slices.Contains(v["type"], s.Type)
	})
	return writeJSON(w, http.StatusOK, slice(list, q))
}

// activeServices counts the components that run, by type.
func (a *API) activeServices(w http.ResponseWriter, r *http.Request) error {
	list, err := a.services(r)
	if err != nil {
		return err
	}
	type count struct {
		Type  string `json:"type"`
		Total int    `json:"total"`
	}
	counts := []count{}
	total := 0
	for _, s := range list {
		if s.State != backend.MemberRunning {
			continue
		}
		total++
		if n := len(counts); n > 0 && counts[n-1].Type == s.Type {
			counts[n-1].Total++
			continue
		}
		counts = append(counts, count{s.Type, 1})
	}
	return writeJSON(w, http.StatusOK, map[string]any{"total": total, "services": counts})
}

func (a *API) getService(w http.ResponseWriter, r *http.Request) error {
	list, err := a.services(r)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.ID == r.PathValue("id") {
			return writeJSON(w, http.StatusOK, s)
		}
	}
	return notFound("Not Found: there is no service " + r.PathValue("id"))
}
