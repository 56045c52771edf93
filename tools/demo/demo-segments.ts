// The built-in segments of the demo, its template and its automation.

export const demoSegments = [
  { key: 'hot-leads', name: 'Hot Leads', description: 'Engagement above 70', rule: { score: 'engagement', op: 'gt', value: 70 } },
  { key: 'warm-prospects', name: 'Warm Prospects', description: 'Engagement from 30 to 70', rule: { score: 'engagement', op: 'between', value: [30, 70] } },
  { key: 'cold-contacts', name: 'Cold Contacts', description: 'Engagement below 30', rule: { score: 'engagement', op: 'lt', value: 30 } },
  { key: 'high-value', name: 'High value', description: 'Enters above 80, stays down to 50', rule: { score: 'engagement', op: 'gt', value: 80 }, stay: { score: 'engagement', op: 'gte', value: 50 } },
  {
    key: 'dormant', name: 'Dormant', description: 'Ordered before, but not in the last 30 days',
    rule: { and: [{ performed: 'Order Completed' }, { not: { performed: 'Order Completed', within: '30d' } }] },
  },
  {
    key: 'cart-abandoned', name: 'Cart abandoned', description: 'Started a checkout and did not order within 30 minutes; for a day',
    rule: { sequence: [{ performed: 'Checkout Started', as: 'checkout' }, { performed: 'Order Completed', within: '30m', where: [{ property: 'cart_id', op: 'equals', ref: 'checkout.cart_id' }], absent: true }], within: '1d' },
  },
  {
    key: 'big-spenders', name: 'Big spenders', description: 'More than 40 in the last 30 days',
    rule: { performed: 'Order Completed', within: '30d', aggregate: { fn: 'sum', property: 'revenue' }, op: 'gt', value: 40 },
  },
] as const;

export const demoTemplate = {
  key: 'come-back',
  name: 'Your cart is waiting',
  format: 'mjml',
  language: 'liquid',
  subject: '{{ profile.firstName | default: "Hello" }}, your cart is waiting',
  preheader: 'We kept everything for you.',
  body: `<mjml>
  <mj-head><mj-attributes><mj-all font-family="Helvetica, Arial, sans-serif" /><mj-text font-size="16px" line-height="24px" color="#1c2430" /></mj-attributes></mj-head>
  <mj-body background-color="#f2f4f7">
    <mj-section background-color="#ffffff" padding="32px 24px 8px" border-radius="8px 8px 0 0"><mj-column>
      <mj-text font-size="24px" line-height="32px" font-weight="700">{{ profile.firstName | default: "Hello" }}, your cart is waiting</mj-text>
      <mj-text>You were about to check out. We kept everything as you left it, so that you can go on where you stopped.</mj-text>
      <mj-button href="https://shop.example.com/cart" background-color="#2457d6" border-radius="6px" font-size="16px" inner-padding="12px 24px">Back to my cart</mj-button>
    </mj-column></mj-section>
    <mj-section background-color="#ffffff" padding="8px 24px 24px" border-radius="0 0 8px 8px"><mj-column>
      <mj-divider border-width="1px" border-color="#e3e7ed" />
      <mj-text font-size="13px" line-height="20px" color="#5a6676">You get this mail because you agreed to hear from us. <a href="{{ unsubscribe_url }}" style="color:#5a6676">Unsubscribe</a> or <a href="{{ preferences_url }}" style="color:#5a6676">choose what you get</a>.</mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>`,
} as const;

export const demoAutomation = { key: 'win-back', segment: 'cart-abandoned', on: 'entered', template: 'come-back', purpose: 'email_marketing' } as const;
