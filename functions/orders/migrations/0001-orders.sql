create table orders (
  id text primary key,
  owner text not null,
  -- Of what was ordered: a key that comes again with something else is refused.
  fingerprint text not null,
  email text not null,
  items jsonb not null,
  -- In the smallest unit of the currency.
  total bigint not null check (total >= 0),
  currency text not null,
  status text not null default 'placed' check (status in ('placed', 'cancelled', 'fulfilled')),
  placed_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
create index orders_of_owner on orders (owner, placed_at desc, id desc);

-- What is still to be told of an order: written with it, removed once the queue has it.
create table outbox (
  id bigint generated always as identity primary key,
  order_id text not null references orders,
  message jsonb not null,
  at timestamptz not null default now()
);
create index outbox_of_order on outbox (order_id);
