"""The page in Portuguese, in words that are used in Brazil and in Portugal."""

from shared.edge.tracking_page.words import Counted, Words
from shared.ops.order_story import Arrival, Situation, Step

_S = Situation

PORTUGUESE = Words(
    name="Português",
    order="Pedido",
    title="Seu pedido",
    arrivals={
        Arrival.ON: "Chega {on}",
        Arrival.BY: "Chega até {day}",
        Arrival.LATER: "Demora mais do que o previsto",
    },
    headlines={
        _S.DELIVERY_FAILED: "Não foi possível entregar",
        _S.READY_FOR_PICKUP: "Pronto para retirada",
        _S.DELAYED: "Atrasado a caminho",
        _S.ON_HOLD: "Parado a caminho",
        _S.GOING_BACK: "Voltando para nós",
        _S.DELIVERED: "Entregue {on}",
        _S.OUT_OF_STOCK: "Aguardando estoque",
        _S.PARTLY_DELIVERED: "Entregue em parte",
        _S.CANCELLED: "Seu pedido foi cancelado",
    },
    details={
        _S.DELIVERY_FAILED: "A transportadora tentou entregar e não conseguiu.",
        _S.READY_FOR_PICKUP: "Seu pacote espera em um ponto de retirada da transportadora.",
        _S.OUT_FOR_DELIVERY: "Seu pacote saiu para entrega.",
        _S.ON_ITS_WAY: "Seu pacote está a caminho.",
        _S.DELAYED: "A transportadora avisou que o pacote chega depois do previsto.",
        _S.ON_HOLD: "Seu pacote está parado na transportadora. Estamos acompanhando.",
        _S.PACKED: "Seu pacote está embalado e espera a transportadora.",
        _S.BEING_PACKED: "Estamos embalando seu pacote.",
        _S.GOING_BACK: "Seu pacote está sendo devolvido para nós.",
        _S.DELIVERED: "Seu pacote chegou. Bom proveito!",
        _S.RECEIVED: "Recebemos seu pedido e estamos preparando tudo.",
        _S.OUT_OF_STOCK: "Enviamos seu pedido assim que tudo estiver de novo em estoque.",
        _S.PARTLY_DELIVERED: "Uma parte do pedido chegou, e o resto vem depois.",
        _S.CANCELLED: "Nada será enviado.",
    },
    actions={
        _S.DELIVERY_FAILED: (
            "Procure um aviso da transportadora na porta ou na caixa de correio. Ele diz quando"
            " será a próxima tentativa ou onde retirar o pacote."
        ),
        _S.READY_FOR_PICKUP: (
            "Retire logo, pois depois de alguns dias o pacote volta. Leve um documento e o aviso da"
            " transportadora, que traz o endereço."
        ),
        _S.GOING_BACK: (
            "Você não precisa fazer nada para que ele chegue a nós. Se ainda quiser o produto ou"
            " espera um reembolso, escreva para a loja onde comprou."
        ),
        _S.CANCELLED: "Se você não esperava por isso, escreva para a loja onde comprou.",
    },
    reasons={
        "carrier_damaged_parcel": "O pacote foi danificado no caminho.",
        "carrier_parcel_lost": (
            "A transportadora não encontra o pacote. Escreva para a loja onde comprou."
        ),
        "carrier_sorting_error": "O pacote foi para a unidade errada e está sendo reenviado.",
        "carrier_delay": "A transportadora está atrasada.",
        "carrier_policy": "A transportadora não pode levar algo que está no pacote.",
        "retailer_cancelled": "A loja pediu o pacote de volta.",
        "retailer_not_handed_over": "A transportadora ainda não recebeu o pacote.",
        "consignee_refused": "O pacote não foi aceito na porta.",
        "consignee_not_available": "Não havia ninguém para receber o pacote.",
        "consignee_business_closed": "O endereço estava fechado.",
        "consignee_incorrect_address": (
            "Há algo errado com o endereço. Escreva para a loja onde comprou."
        ),
        "consignee_access_restricted": "O entregador não conseguiu chegar até a porta.",
        "consignee_not_collected": "O pacote não foi retirado a tempo.",
        "consignee_payment_due": "Antes é preciso pagar algo à transportadora.",
        "consignee_rescheduled": "Outro dia foi combinado com a transportadora.",
        "customs_delay": "O pacote está na alfândega.",
        "customs_documentation": (
            "A alfândega precisa de documentos do pacote. Escreva para a loja onde comprou."
        ),
        "weather_delay": "O tempo está atrapalhando a transportadora.",
        "other": "A transportadora não informa o motivo exato.",
    },
    statuses={
        "ordered": "Pedido recebido",
        "packed": "Embalado",
        "cancelled": "Cancelado",
        "pending": "Anunciado à transportadora",
        "picked_up": "Entregue à transportadora",
        "in_transit": "A caminho",
        "out_for_delivery": "Saiu para entrega",
        "ready_for_pickup": "Pronto para retirada",
        "delivery_failed": "Tentativa de entrega sem sucesso",
        "delivery_delayed": "Atrasado",
        "on_hold": "Parado",
        "return_to_sender": "Voltando ao remetente",
        "delivered": "Entregue",
    },
    steps={
        Step.ORDERED: "Recebido",
        Step.PACKED: "Embalado",
        Step.ON_ITS_WAY: "A caminho",
        Step.OUT_FOR_DELIVERY: "Em entrega",
        Step.DELIVERED: "Entregue",
    },
    progress="Andamento",
    step_done="feito",
    step_now="agora",
    step_ahead="ainda por vir",
    ordered="Pedido feito",
    promised="Prometido até",
    late="É mais tarde do que prometemos. Pedimos desculpas.",
    parcel="Pacote",
    parcels="Pacotes",
    parcels_coming="Seu pedido vem em {all} pacotes.",
    parcels_arrived="Seu pedido veio em {all} pacotes.",
    parcels_delivered=Counted(
        "Seu pedido vem em {all} pacotes. Um deles já chegou.",
        "Seu pedido vem em {all} pacotes. {count} deles já chegaram.",
    ),
    parcel_number="Pacote {number} de {all}",
    items=Counted("{count} item", "{count} itens"),
    by_carrier="com {carrier}",
    code_end="código com final {end}",
    history="Histórico",
    last_seen="última notícia {time}",
    out_of_stock=Counted(
        "{count} item vem quando estiver de novo em estoque.",
        "{count} itens vêm quando estiverem de novo em estoque.",
    ),
    restocked="Esperamos que isso aconteça {on}.",
    waiting=Counted("{count} item vem em outro pacote.", "{count} itens vêm em outro pacote."),
    cancelled=Counted(
        "{count} item foi cancelado e não será enviado.",
        "{count} itens foram cancelados e não serão enviados.",
    ),
    wanted_back=(
        "Este pedido foi cancelado quando já estava embalado. O que ainda chegar pode ser recusado"
        " na porta; o que já chegou deve ser devolvido."
    ),
    zone="Horários em {zone}.",
    privacy="Quem tem o endereço desta página pode vê-la; por isso ela não mostra dados pessoais.",
    languages="Idioma",
    nothing_title="Não há pedido aqui",
    nothing=(
        "Talvez o endereço esteja incompleto: abra de novo o link da sua mensagem ou copie-o por"
        " inteiro. Se não ajudar, escreva para a loja onde comprou."
    ),
    trouble_title="Não conseguimos consultar agora",
    trouble="Seu pedido não é afetado. Abra esta página de novo em um minuto.",
)
