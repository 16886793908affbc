package kafka

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// jks is how a key store of Java's own kind begins; all others are PKCS #12.
var jks = []byte{0xfe, 0xed, 0xfe, 0xed}

// stored reads a key store that a property holds as base64.
func stored(p map[string]string, property string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p[property]), ""))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("properties: %s: expected a key store as base64", property)
	}
	return b, nil
}

// trusted are the certificates of a trust store.
func trusted(store []byte, password string) ([]*x509.Certificate, error) {
	if !bytes.HasPrefix(store, jks) {
		certs, err := pkcs12.DecodeTrustStore(store, password)
		if err == nil {
			return certs, nil
		}
		if _, leaf, more, chained := pkcs12.DecodeChain(store, password); chained == nil {
			return append(more, leaf), nil // a store with a key, whose certificates are trusted
		}
		return nil, err
	}
	entries, err := load(store, password)
	if err != nil {
		return nil, err
	}
	var out []*x509.Certificate
	for _, alias := range entries.Aliases() {
		if !entries.IsTrustedCertificateEntry(alias) {
			continue
		}
		e, err := entries.GetTrustedCertificateEntry(alias)
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(e.Certificate.Content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", alias, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func load(store []byte, password string) (keystore.KeyStore, error) {
	entries := keystore.New(keystore.WithOrderedAliases())
	return entries, entries.Load(bytes.NewReader(store), []byte(password))
}

// identity is the key of a key store, with its certificates.
func identity(store []byte, password, keyPassword string) (tls.Certificate, error) {
	if !bytes.HasPrefix(store, jks) {
		key, leaf, more, err := pkcs12.DecodeChain(store, password)
		if err != nil {
			return tls.Certificate{}, err
		}
		out := tls.Certificate{PrivateKey: key, Certificate: [][]byte{leaf.Raw}}
		for _, c := range more {
			out.Certificate = append(out.Certificate, c.Raw)
		}
		return out, nil
	}
	entries, err := load(store, password)
	if err != nil {
		return tls.Certificate{}, err
	}
	if keyPassword == "" {
		keyPassword = password
	}
	for _, alias := range entries.Aliases() {
		if !entries.IsPrivateKeyEntry(alias) {
			continue
		}
		e, err := entries.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return tls.Certificate{}, err
		}
		out := tls.Certificate{}
		for _, c := range e.CertificateChain {
			out.Certificate = append(out.Certificate, c.Content)
		}
		out.PrivateKey, err = x509.ParsePKCS8PrivateKey(e.PrivateKey)
		return out, err
	}
	return tls.Certificate{}, errors.New("it has no key")
}
