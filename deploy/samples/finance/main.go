// Finance: invoices, receipts, refunds and credit notes of each business day, to the cent, beside
// the daily report (日报) of the store.
//
// It reads the orders' topic and the reports' topic from the beginning. Between topics there is no
// order, so a report is compared when everything that is there has been read.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Figures are sums in cents (分).
type Figures struct {
	Invoiced int64 `json:"invoiced_cents"`
	Received int64 `json:"received_cents"`
	Refunded int64 `json:"refunded_cents"`
	Credited int64 `json:"credited_cents"`
}

// booking is one amount at one time.
type booking struct {
	at     time.Time
	amount Figures
}

// document is what this program reads of an invoice, a payment, a refund or a credit note.
type document struct {
	StoreID    string    `json:"store_id"`
	Total      int64     `json:"total_cents"`
	Amount     int64     `json:"amount_cents"`
	IssuedAt   time.Time `json:"issued_at"`
	ReceivedAt time.Time `json:"received_at"`
	PaidAt     time.Time `json:"paid_at"`
}

// report is what this program reads of a daily report.
type report struct {
	StoreID  string    `json:"store_id"`
	Day      string    `json:"day"`
	Revision int       `json:"revision"`
	From     time.Time `json:"covers_from"`
	Until    time.Time `json:"covers_until"`
	Figures
}

// ledger is all that has been read.
type ledger struct {
	positions map[string]int64
	bookings  map[string][]booking
	reports   map[string]report
}

func main() {
	log.SetFlags(0)
	client, err := kgo.NewClient(settings()...)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	books := ledger{map[string]int64{}, map[string][]booking{}, map[string]report{}}
	printed := map[string]string{}
	for {
		fetches, idle := poll(client)
		fetches.EachRecord(func(record *kgo.Record) {
			if err := books.read(record); err != nil {
				log.Printf("%s %d %d: %v", record.Topic, record.Partition, record.Offset, err)
			}
		})
		if idle {
			books.compare(printed)
		}
	}
}

func settings() []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP"), ",")...),
		kgo.ConsumeTopics(strings.Split(os.Getenv("KAFKA_TOPICS"), ",")...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	if user := os.Getenv("KAFKA_USER"); user != "" {
		login := scram.Auth{User: user, Pass: os.Getenv("KAFKA_PASSWORD")}
		options = append(options,
			kgo.DialTLSConfig(&tls.Config{RootCAs: authorities()}),
			kgo.SASL(login.AsSha512Mechanism()))
	}
	return options
}

// authorities returns the certificates to trust; nil stands for the system's.
func authorities() *x509.CertPool {
	file := os.Getenv("KAFKA_CA")
	if file == "" {
		return nil
	}
	certificates, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificates)
	return roots
}

// poll returns new records, and whether there have been none for a second.
func poll(client *kgo.Client) (kgo.Fetches, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	fetches := client.PollFetches(ctx)
	err := fetches.Err0()
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		log.Fatal(err)
	}
	return fetches, err != nil
}

func (books *ledger) read(record *kgo.Record) error {
	headers := map[string]string{}
	for _, header := range record.Headers {
		headers[header.Key] = string(header.Value)
	}
	sequence, err := strconv.ParseInt(headers["ce_sequence"], 10, 64)
	if err != nil {
		return err
	}
	place := strings.Join([]string{record.Topic, string(record.Key), headers["ce_storeid"]}, " ")
	if sequence <= books.positions[place] {
		return nil // repeated
	}
	books.positions[place] = sequence
	if headers["ce_type"] == "aftersales.reporting.DailyReportPublished.v1" {
		return books.readReport(record.Value)
	}
	return books.book(headers["ce_type"], record.Value)
}

func (books *ledger) readReport(value []byte) error {
	var read report
	if err := json.Unmarshal(value, &read); err != nil {
		return err
	}
	day := read.StoreID + " " + read.Day
	if read.Revision >= books.reports[day].Revision {
		books.reports[day] = read
	}
	return nil
}

func (books *ledger) book(kind string, value []byte) error {
	var read document
	if err := json.Unmarshal(value, &read); err != nil {
		return err
	}
	var entry booking
	switch kind {
	case "aftersales.reception.InvoiceIssued.v1":
		entry = booking{read.IssuedAt, Figures{Invoiced: read.Total}}
	case "aftersales.reception.PaymentReceived.v1", "aftersales.reception.DepositReceived.v1":
		entry = booking{read.ReceivedAt, Figures{Received: read.Amount}}
	case "aftersales.reception.RefundIssued.v1":
		entry = booking{read.PaidAt, Figures{Refunded: read.Amount}}
	case "aftersales.reception.CreditNoteIssued.v1":
		entry = booking{read.IssuedAt, Figures{Credited: read.Total}}
	default:
		return nil // a type that this program does not need, or does not know yet
	}
	books.bookings[read.StoreID] = append(books.bookings[read.StoreID], entry)
	return nil
}

// compare prints each day with its own sums and those of its report, once for each state of both.
func (books *ledger) compare(printed map[string]string) {
	for day, published := range books.reports {
		sums := books.sum(published)
		line, _ := json.Marshal(map[string]any{
			"store_id": published.StoreID,
			"day":      published.Day,
			"booked":   sums,
			"reported": published.Figures,
			"agrees":   sums == published.Figures,
		})
		if printed[day] != string(line) {
			printed[day] = string(line)
			fmt.Println(string(line))
		}
	}
}

func (books *ledger) sum(day report) Figures {
	var sums Figures
	for _, entry := range books.bookings[day.StoreID] {
		if !entry.at.Before(day.From) && entry.at.Before(day.Until) {
			sums.Invoiced += entry.amount.Invoiced
			sums.Received += entry.amount.Received
			sums.Refunded += entry.amount.Refunded
			sums.Credited += entry.amount.Credited
		}
	}
	return sums
}
