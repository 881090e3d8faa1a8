// Insurer: the repair orders that an insurer is to pay (事故车), until it has paid them.
//
// An accident is known by the release on account with the reason insurer_pays. All events of an
// order have one key, so that they come in their order; what is known of an order is kept in
// memory and read again from the beginning at each start.
import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const env = process.env;
const kafka = new Kafka({
  clientId: "insurer",
  brokers: env.KAFKA_BOOTSTRAP.split(","),
  logLevel: logLevel.ERROR,
  ssl: env.KAFKA_USER && { ca: env.KAFKA_CA && readFileSync(env.KAFKA_CA) },
  sasl: env.KAFKA_USER && {
    mechanism: "scram-sha-512",
    username: env.KAFKA_USER,
    password: env.KAFKA_PASSWORD,
  },
});

const orders = new Map();
const positions = new Map();

const reactions = {
  "aftersales.reception.OrderOpened.v1": (order, data) => {
    order.vehicle_ref = data.vehicle_ref;
    order.estimate_cents = data.estimate_cents;
  },
  "aftersales.reception.InvoiceIssued.v1": (order, data) => {
    order.invoice_id = data.invoice_id;
    order.invoiced_cents = data.total_cents;
  },
  "aftersales.reception.OnAccountReleaseApproved.v1": (order, data) => {
    order.insured = data.reason === "insurer_pays";
    order.balance_cents = data.balance_cents;
    return "released";
  },
  "aftersales.reception.VehicleDelivered.v1": () => "delivered",
  "aftersales.reception.CreditNoteIssued.v1": (order, data) => {
    order.balance_cents = data.balance_cents;
    return "credited";
  },
  "aftersales.reception.PaymentReceived.v1": (order, data) => {
    if (data.payer !== "customer") return undefined;
    order.balance_cents = data.balance_cents;
    return data.balance_cents ? "partly paid" : "paid";
  },
};

function apply({ topic, message }) {
  const header = (name) => message.headers[name]?.toString();
  const place = [topic, message.key, header("ce_storeid")].join(" ");
  const sequence = Number(header("ce_sequence"));
  if (sequence <= (positions.get(place) ?? 0)) return; // repeated
  positions.set(place, sequence);
  const react = reactions[header("ce_type")];
  if (!react) return; // a type that this program does not need, or does not know yet
  const data = JSON.parse(message.value);
  const order = orders.get(data.order_id) ?? { order_id: data.order_id, store_id: data.store_id };
  orders.set(data.order_id, order);
  const status = react(order, data);
  if (status && order.insured) console.log(JSON.stringify({ ...order, status }));
}

const consumer = kafka.consumer({ groupId: env.KAFKA_GROUP });
await consumer.connect();
await consumer.subscribe({ topics: env.KAFKA_TOPICS.split(","), fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachMessage: async (record) => {
    try {
      apply(record);
    } catch (error) {
      console.error(`${record.topic} ${record.partition} ${record.message.offset}: ${error.message}`);
    }
  },
});
