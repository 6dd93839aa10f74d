import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema } from "graphql";

/** What can be asked. Introspection is off, so that this is where a client's tools read it. */
export const definitions = /* GraphQL */ `
  type Query {
    "An order of one's own."
    order(id: ID!): Order
    "One's own orders, the newest first, up to 100 a page."
    orders(first: Int! = 20, after: String): OrderPage!
    "What is sold."
    products: [Product!]!
    product(sku: ID!): Product
  }
  type Mutation {
    "Places an order once, however often the same key comes; the same key as over REST."
    placeOrder(key: String!, input: OrderInput!): Order!
    "Cancels an order that is not packed yet; one that is cancelled stays so."
    cancelOrder(id: ID!): Order!
  }
  input OrderInput {
    "Up to 20 kinds of things."
    items: [LineInput!]!
    "Where the token has no address."
    email: String
  }
  input LineInput {
    sku: ID!
    "Up to 99."
    quantity: Int!
  }
  type OrderPage {
    nodes: [Order!]!
    "Where the next page starts; null on the last one."
    cursor: String
  }
  type Order {
    id: ID!
    status: OrderStatus!
    items: [Line!]!
    total: Money!
    "ISO 8601, UTC."
    placedAt: String!
  }
  enum OrderStatus {
    placed
    cancelled
    fulfilled
  }
  type Line {
    sku: ID!
    quantity: Int!
    "Null where it is not sold any more."
    product: Product
  }
  type Product {
    sku: ID!
    price: Money!
    "Units that are left; null for what is made to order."
    available: Int
  }
  type Money {
    "In the smallest unit of the currency."
    amount: Int!
    "ISO 4217."
    currency: String!
  }
`;

/** How many there may be of a list, by its field; the page's argument goes before. */
export const listSizes: Readonly<Record<string, number>> = { orders: 20, items: 20, products: 20 };
/** The argument with a page's size, and the most that it may be. */
export const pageArgument = { name: "first", most: 100 };
/** What weighs more than reading a field. */
export const weights: Readonly<Record<string, number>> = { placeOrder: 1_000, cancelOrder: 1_000 };

type Resolvers<C> = Readonly<
  Record<string, Readonly<Record<string, GraphQLFieldResolver<never, C, never>>>>
>;

/** The schema with these resolvers, by type and field; others read the property of their name. */
export function schemaWith<C>(resolvers: Resolvers<C>): GraphQLSchema {
  const schema = buildSchema(definitions);
  for (const [type, fields] of Object.entries(resolvers))
    for (const [name, resolve] of Object.entries(fields)) {
      const owner = schema.getType(type);
      const field = owner && "getFields" in owner ? owner.getFields()[name] : undefined;
      if (!field) throw new Error(`Schema: ${type}.${name} is resolved; define it`);
      Object.assign(field, { resolve });
    }
  return schema;
}
