//go:build unix

package kubernetes_test

import (
	"context"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
)

// TestRunnerOnAPIServer is TestRunner with a real API server; only the node is played.
func TestRunnerOnAPIServer(t *testing.T) {
	address := servers.Address(t, "kubernetes")
	const token = "windhover"
	client, err := clientset.NewForConfig(&rest.Config{Host: address, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range everywhere {
		t.Run(name, func(t *testing.T) {
			node := "node-" + strings.ToLower(model.NewID())
			r := rigOn(t, client, node, address, token)
			register(t, client, node, httptest.NewTLSServer(r.node))
			f(t, r)
			if len(r.pods()) == 0 {
				r.gone() // the node still has to see to that
			}
		})
	}
}

// register makes a node known to the API server, with the address where it is asked for logs.
func register(t *testing.T, client clientset.Interface, name string, s *httptest.Server) {
	t.Helper()
	t.Cleanup(s.Close)
	nodes := client.CoreV1().Nodes()
	made, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nodes.Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	made.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(s.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := nodes.UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
