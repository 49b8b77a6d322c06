//! Terms, charges, taxes, amounts and totals. Amounts are exact decimals in the document's currency.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Moment, Price, Reference, Unmapped, noun::nouns};

nouns! {
    /// A currency, and whose it is.
    struct Currency {
        /// Whose: `buyer`, `seller` …, or the X12 code (element 98).
        kind: Option<String>,
        /// ISO 4217 code, for instance `USD`.
        code: Option<String>,
        /// Exchange rate.
        rate: Option<Decimal>,
    }

    /// Terms of payment.
    struct Terms {
        /// Kind of terms: `basic`, `discount_not_applicable` …, or the X12 code (element 336).
        kind: Option<String>,
        /// From which date the days count: `invoice_date`, `delivery_date` …, or the X12 code (element 333).
        basis: Option<String>,
        /// Discount, in per cent.
        discount_percent: Option<Decimal>,
        /// Last day for the discount.
        discount_due: Option<Date>,
        /// Days for the discount.
        discount_days: Option<i64>,
        /// Day on which the whole amount is due.
        net_due: Option<Date>,
        /// Days until the whole amount is due.
        net_days: Option<i64>,
        /// Discount as an amount.
        discount_amount: Option<Decimal>,
        /// Day on which a deferred amount is due.
        deferred_due: Option<Date>,
        /// The deferred amount.
        deferred_amount: Option<Decimal>,
        /// Part of the invoice that is payable then, in per cent.
        payable_percent: Option<Decimal>,
        /// In words.
        description: Option<String>,
        /// Day of the month on which payment is due.
        day_of_month: Option<i64>,
        /// How it is to be paid, as the X12 code (element 107).
        payment_method: Option<String>,
    }

    /// Who pays for the transport, and where title and risk pass.
    struct FreightOnBoard {
        /// Who pays: `collect`, `prepaid`, `third_party` …, or the X12 code (element 146).
        payment: Option<String>,
        /// What kind of place `location` is, as the X12 code (element 309).
        location_kind: Option<String>,
        /// Where responsibility passes.
        location: Option<String>,
        /// Whose code list `terms` is of, as the X12 code (element 334).
        terms_kind: Option<String>,
        /// Terms of delivery, for instance an Incoterm.
        terms: Option<String>,
        /// What kind of place `title_location` is, as the X12 code (element 309).
        title_location_kind: Option<String>,
        /// Where title passes.
        title_location: Option<String>,
        /// Who bears the risk, as the X12 code (element 54).
        risk: Option<String>,
        /// In words.
        description: Option<String>,
    }

    /// An allowance, charge, service or promotion.
    struct AllowanceCharge {
        /// `allowance`, `charge`, `no_charge` …, or the X12 code (element 248).
        kind: Option<String>,
        /// What for, as the X12 code (element 1300), for instance `D240` freight.
        code: Option<String>,
        /// Whose code list `agency_code` is of, as the X12 code (element 559).
        agency: Option<String>,
        /// What for, as a code of that agency.
        agency_code: Option<String>,
        /// The amount.
        amount: Option<Decimal>,
        /// What `percent` is of, as the X12 code (element 378).
        percent_basis: Option<String>,
        /// In per cent.
        percent: Option<Decimal>,
        /// For each unit.
        rate: Option<Decimal>,
        /// Unit of the rate and the quantities.
        unit: Option<String>,
        /// Quantity that it holds for.
        quantity: Option<Decimal>,
        /// Greatest quantity that it holds for.
        quantity_2: Option<Decimal>,
        /// How it is settled: `off_invoice`, `paid_by_vendor` …, or the X12 code (element 331).
        handling: Option<String>,
        /// Number of the promotion or agreement.
        reference: Option<String>,
        /// Number of the option.
        option: Option<String>,
        /// In words.
        description: Option<String>,
        /// Language of `description`.
        language: Option<String>,
        /// Taxes on it.
        taxes: Vec<Tax>,
        /// Prices that it goes by.
        prices: Vec<Price>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A tax.
    struct Tax {
        /// Which tax: `state_sales`, `gst`, `vat` …, or the X12 code (element 963).
        kind: Option<String>,
        /// The amount.
        amount: Option<Decimal>,
        /// In per cent.
        percent: Option<Decimal>,
        /// Whose code list `jurisdiction` is of, as the X12 code (element 955).
        jurisdiction_kind: Option<String>,
        /// Which jurisdiction.
        jurisdiction: Option<String>,
        /// Whether it is exempt, as the X12 code (element 441).
        exempt: Option<String>,
        /// How it relates to the price, as the X12 code (element 662).
        relationship: Option<String>,
        /// The amount that is taxed.
        taxable: Option<Decimal>,
        /// Number by which the tax payer is known.
        id: Option<String>,
        /// Number of the line or charge that it belongs to.
        line: Option<String>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// An amount, and what it is the amount of.
    struct Amount {
        /// Which amount: `total` …, or the X12 code (element 522).
        kind: Option<String>,
        /// The amount.
        amount: Option<Decimal>,
        /// Credit or debit, as the X12 code (element 478).
        credit_debit: Option<String>,
        /// Numbers that belong to it.
        references: Vec<Reference>,
        /// Dates that belong to it.
        dates: Vec<Moment>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// What is asked of the sale.
    struct SalesRequirement {
        /// What is asked: `no_back_order`, `ship_complete` …, or the X12 code (element 563).
        code: Option<String>,
        /// What to do, as the X12 code (element 306).
        action: Option<String>,
        /// Up to which amount.
        amount: Option<Decimal>,
        /// Number of an account.
        account: Option<String>,
        /// When.
        date: Option<Date>,
        /// Whose code list `service` is of, as the X12 code (element 559).
        agency: Option<String>,
        /// A special service, as the X12 code (element 560).
        service: Option<String>,
        /// Whether something else may be delivered, as the X12 code (element 566).
        substitution: Option<String>,
    }

    /// Sums over the document. The number of lines is not among them: it is counted when a document is written,
    /// and checked when one is read.
    struct Totals {
        /// Sum that guards against loss, usually of the quantities.
        hash: Option<Decimal>,
        /// Weight of all.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Volume of all.
        volume: Option<Decimal>,
        /// Unit of `volume`.
        volume_unit: Option<String>,
        /// In words.
        description: Option<String>,
        /// Amounts.
        amounts: Vec<Amount>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }
}
