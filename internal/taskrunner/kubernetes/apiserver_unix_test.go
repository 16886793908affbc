//go:build unix

package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/windhover-io/windhover/internal/model"
)

// apiServer plays the API server of a cluster, as far as pods and secrets go. Its memory is the fake client of client-go. What
// concerns running containers it hands on to the kubelet, as a real one does.
type apiServer struct {
	*fake.Clientset
	http    *httptest.Server
	kubelet http.Handler
	away    atomic.Bool  // nobody answers
	asked   atomic.Int64 // requests
	deny    atomic.Pointer[string]
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{Clientset: fake.NewClientset()}
	mux := http.NewServeMux()
	const pods = "/api/v1/namespaces/{ns}/pods"
	mux.HandleFunc("POST "+pods, s.create)
	mux.HandleFunc("GET "+pods, s.list)
	mux.HandleFunc("GET "+pods+"/{name}", s.get)
	mux.HandleFunc("DELETE "+pods+"/{name}", s.delete)
	mux.HandleFunc("GET "+pods+"/{name}/log", s.log)
	mux.HandleFunc(pods+"/{name}/exec", s.exec)
	mux.HandleFunc("POST /api/v1/namespaces/{ns}/secrets", s.createSecret)
	mux.HandleFunc("DELETE /api/v1/namespaces/{ns}/secrets/{name}", s.deleteSecret)
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		switch deny := s.deny.Load(); {
		case s.away.Load():
			panic(http.ErrAbortHandler)
		case deny != nil && strings.Contains(r.Method+" "+r.URL.Path, *deny):
			answer(w, nil, apierrors.NewForbidden(corev1.Resource("pods"), "", fmt.Errorf("not for you")))
		case r.Header.Get("Authorization") != "Bearer sesame":
			answer(w, nil, apierrors.NewUnauthorized("who is that?"))
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// leave breaks every connection, and answers none until it is back.
func (s *apiServer) leave() {
	s.away.Store(true)
	s.http.CloseClientConnections()
}

func answer(w http.ResponseWriter, v runtime.Object, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status, ok := err.(apierrors.APIStatus)
		if !ok {
			status = apierrors.NewInternalError(err)
		}
		body := status.Status()
		body.Kind, body.APIVersion = "Status", "v1"
		w.WriteHeader(int(body.Code))
		_ = json.NewEncoder(w).Encode(body)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

// decode reads what was sent, as JSON or in the other form that clients like better.
func decode(r *http.Request, to runtime.Object) error {
	b, err := io.ReadAll(r.Body)
	if err != nil || len(b) == 0 {
		return err
	}
	_, _, err = scheme.Codecs.UniversalDeserializer().Decode(b, nil, to)
	return err
}

func typed(p *corev1.Pod) *corev1.Pod {
	p = p.DeepCopy()
	p.Kind, p.APIVersion = "Pod", "v1"
	return p
}

func (s *apiServer) create(w http.ResponseWriter, r *http.Request) {
	var p corev1.Pod
	if err := decode(r, &p); err != nil {
		answer(w, nil, apierrors.NewBadRequest(err.Error()))
		return
	}
	p.UID, p.CreationTimestamp, p.Namespace = types.UID(model.NewID()), metav1.Now(), r.PathValue("ns")
	p.Status.Phase = corev1.PodPending
	made, err := s.CoreV1().Pods(p.Namespace).Create(r.Context(), &p, metav1.CreateOptions{})
	if err == nil {
		made = typed(made)
	}
	answer(w, made, err)
}

func (s *apiServer) get(w http.ResponseWriter, r *http.Request) {
	p, err := s.CoreV1().Pods(r.PathValue("ns")).Get(r.Context(), r.PathValue("name"), metav1.GetOptions{})
	if err == nil {
		p = typed(p)
	}
	answer(w, p, err)
}

func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") == "true" {
		s.watch(w, r)
		return
	}
	list, err := s.CoreV1().Pods(r.PathValue("ns")).List(r.Context(), metav1.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector")})
	answer(w, list, err)
}

// watch tells of a pod as it is, and as it changes.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	ns, name := r.PathValue("ns"), strings.TrimPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	events, err := s.CoreV1().Pods(ns).Watch(r.Context(), metav1.ListOptions{})
	if err != nil {
		answer(w, nil, err)
		return
	}
	defer events.Stop()
	tell := func(kind watch.EventType, p *corev1.Pod) {
		_ = json.NewEncoder(w).Encode(metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Object: typed(p)}})
		w.(http.Flusher).Flush()
	}
	w.Header().Set("Content-Type", "application/json")
	p, err := s.CoreV1().Pods(ns).Get(r.Context(), name, metav1.GetOptions{})
	if err != nil { // it went before it was watched, which a real server would tell by the resource version
		tell(watch.Deleted, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns}})
		return
	}
	tell(watch.Modified, p)
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-events.ResultChan():
			if p, ok := e.Object.(*corev1.Pod); ok && p.Name == name {
				tell(e.Type, p)
			}
		}
	}
}

// delete marks a pod that a kubelet has for deletion, as long as that is not the one who asks.
func (s *apiServer) delete(w http.ResponseWriter, r *http.Request) {
	var o metav1.DeleteOptions
	if err := decode(r, &o); err != nil {
		answer(w, nil, apierrors.NewBadRequest(err.Error()))
		return
	}
	oneAtATime.Lock()
	defer oneAtATime.Unlock()
	pods := s.CoreV1().Pods(r.PathValue("ns"))
	p, err := pods.Get(r.Context(), r.PathValue("name"), metav1.GetOptions{})
	switch {
	case err != nil:
	case o.Preconditions != nil && o.Preconditions.UID != nil && *o.Preconditions.UID != p.UID:
		err = apierrors.NewConflict(corev1.Resource("pods"), p.Name, fmt.Errorf("it is another one"))
	case p.Spec.NodeName == "" || o.GracePeriodSeconds != nil && *o.GracePeriodSeconds == 0:
		err = pods.Delete(r.Context(), p.Name, metav1.DeleteOptions{})
	default:
		now := metav1.NewTime(time.Now())
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &now, o.GracePeriodSeconds
		p, err = pods.Update(r.Context(), p, metav1.UpdateOptions{})
	}
	if err == nil {
		p = typed(p)
	}
	answer(w, p, err)
}

func (s *apiServer) log(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	r.URL.Path = "/containerLogs/" + r.PathValue("ns") + "/" + r.PathValue("name") + "/" + q.Get("container")
	s.kubelet.ServeHTTP(w, r)
}

func (s *apiServer) exec(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" { // as an older server, that knows one way only
		http.Error(w, "not that way", http.StatusBadRequest)
		return
	}
	q := r.URL.Query()
	for theirs, ours := range map[string]string{"stdin": "input", "stdout": "output", "stderr": "error"} {
		if q.Get(theirs) == "true" {
			q.Set(ours, "1")
		}
	}
	r.URL.RawQuery = q.Encode()
	r.URL.Path = "/exec/" + r.PathValue("ns") + "/" + r.PathValue("name") + "/" + q.Get("container")
	s.kubelet.ServeHTTP(w, r)
}

func (s *apiServer) createSecret(w http.ResponseWriter, r *http.Request) {
	var v corev1.Secret
	if err := decode(r, &v); err != nil {
		answer(w, nil, apierrors.NewBadRequest(err.Error()))
		return
	}
	made, err := s.CoreV1().Secrets(r.PathValue("ns")).Create(r.Context(), &v, metav1.CreateOptions{})
	answer(w, made, err)
}

func (s *apiServer) deleteSecret(w http.ResponseWriter, r *http.Request) {
	answer(w, &metav1.Status{}, s.CoreV1().Secrets(r.PathValue("ns")).Delete(r.Context(), r.PathValue("name"), metav1.DeleteOptions{}))
}
