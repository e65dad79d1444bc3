// Receives webhooks, with the library of Standard Webhooks.
package main

import (
	"cmp"
	"crypto/subtle"
	"io"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	password := os.Getenv("VERIFICATION_SIGNATURE")
	if err != nil || password == "" {
		log.Fatal("WEBHOOK_SECRET and VERIFICATION_SIGNATURE are needed")
	}
	isSigned := func(headers http.Header, body []byte) bool {
		return webhook.Verify(body, headers) == nil
	}
	hasPassword := func(headers http.Header) bool {
		given := headers.Get("Verification-Signature")
		return subtle.ConstantTimeCompare([]byte(given), []byte(password)) == 1
	}
	handle := func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 8<<20))
		valid := err == nil && hasPassword(request.Header)
		if request.URL.Path == "/signed" {
			valid = err == nil && isSigned(request.Header, body)
		}
		if !valid {
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		// Store the event here, then answer; act on it later.
		answer.WriteHeader(http.StatusNoContent)
	}
	address := "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8000")
	log.Fatal(http.ListenAndServe(address, http.HandlerFunc(handle)))
}
